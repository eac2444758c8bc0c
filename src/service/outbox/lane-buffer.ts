/** Messages of a lane that were committed and wait in memory to be published, in order. */

import { sizeOf } from "../message-reader.ts";
import type { Sequenced } from "./outbox-target.ts";

const NOTHING = { count: 0, bytes: 0 };

export class LaneBuffer {
  #messages: Sequenced[] = [];
  #bytes = 0;
  #taken = NOTHING;

  get length(): number {
    return this.#messages.length;
  }

  /** What waits here and what was taken out last, which is on its way; in bytes of memory, nearly. */
  get unpublished(): { readonly count: number; readonly bytes: number } {
    const { count, bytes } = this.#taken;
    return { count: this.length + count, bytes: this.#bytes + bytes };
  }

  get first(): Sequenced | undefined {
    return this.#messages[0];
  }

  push(message: Sequenced): void {
    this.#messages.push(message);
    this.#bytes += sizeOf(message.outgoing.message);
  }

  /** Takes out the first ones, to be published. */
  take(countMax: number): readonly Sequenced[] {
    const taken = this.#messages.splice(0, countMax);
    let bytes = 0;
    for (const { outgoing } of taken) bytes += sizeOf(outgoing.message);
    this.#bytes -= bytes;
    this.#taken = { count: taken.length, bytes };
    return taken;
  }

  /** Forgets those below the sequence. */
  dropBelow(sequence: number): void {
    const kept = this.#messages.findIndex((message) => message.sequence >= sequence);
    this.take(kept === -1 ? this.#messages.length : kept);
    this.published();
  }

  /** What was taken out is published. */
  published(): void {
    this.#taken = NOTHING;
  }

  clear(): void {
    this.#messages = [];
    this.#bytes = 0;
    this.#taken = NOTHING;
  }
}

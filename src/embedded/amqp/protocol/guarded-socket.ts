/**
 * What rhea takes for its socket: it is given whole frames that have been looked at, and what it writes in
 * one tick leaves in one piece.
 */

import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { SASL_OUTCOME } from "./frame-guard.ts";

export class GuardedSocket extends EventEmitter {
  readonly #socket: Socket;
  readonly #onOutcome: () => void;
  #corked = false;

  /** `onOutcome` is told when the answer to a sign-in was written. */
  constructor(socket: Socket, onOutcome: () => void) {
    super();
    this.#socket = socket;
    this.#onOutcome = onOutcome;
  }

  /** Called by rhea; frames come one at a time. */
  write(frame: Buffer): void {
    if (!this.#socket.writable) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
    if (isOutcome(frame)) this.#onOutcome();
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  setNoDelay(): void {
    this.#socket.setNoDelay(true);
  }

  /** For rhea's own traces. */
  get_id_string(): string {
    return `${this.#socket.remoteAddress ?? ""}:${this.#socket.remotePort ?? ""}`;
  }
}

function isOutcome(frame: Buffer): boolean {
  return frame.length > 10 && frame[5] === 1 && frame[9] === 0x53 && frame[10] === SASL_OUTCOME;
}

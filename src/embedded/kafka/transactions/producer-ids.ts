/**
 * Ids for producers: each is given once, also over restarts.
 *
 * A block of ids is reserved in the state log before the first of it is given, so most requests need no
 * sync; what is left of a block when the process ends is never used.
 */

import type { KeyedLog } from "../../keyed-log.ts";

export const PRODUCER_IDS = "producer-ids";
const BLOCK = 1_000;

export class ProducerIds {
  readonly #state: KeyedLog;
  #next: number;
  #reserved: number;
  #reserving: Promise<void> | undefined;

  constructor(state: KeyedLog) {
    this.#state = state;
    this.#next = Number(state.get(PRODUCER_IDS) ?? 0);
    this.#reserved = this.#next;
  }

  /** Throws what an append to the state log throws. */
  async newId(): Promise<number> {
    while (this.#next >= this.#reserved) await (this.#reserving ??= this.#reserve());
    return this.#next++;
  }

  async #reserve(): Promise<void> {
    const reserved = this.#next + BLOCK;
    try {
      await this.#state.put(PRODUCER_IDS, String(reserved));
      this.#reserved = reserved;
    } finally {
      this.#reserving = undefined;
    }
  }
}

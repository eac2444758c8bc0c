/**
 * The appends of each partition in the order in which they came, also where one of them must be looked
 * into first, which takes a while: those behind it wait for it. All others are made at once.
 */

import type { BatchLog } from "../../log/batch-log.ts";

export class AppendOrder {
  /** Settles when the last one that waits has had its turn. */
  readonly #last = new Map<BatchLog, Promise<unknown>>();

  /** An append comes behind others that wait. */
  isKept(log: BatchLog): boolean {
    return this.#last.has(log);
  }

  /** What was looked at, when it is this append's turn, which ends with the caller's first wait. */
  after<Seen>(log: BatchLog, looked: Seen | Promise<Seen>): Promise<Seen> {
    const turn = Promise.allSettled([this.#last.get(log), looked]).then(() => looked);
    const taken: Promise<void> = Promise.allSettled([turn]).then(() => {
      if (this.#last.get(log) === taken) this.#last.delete(log);
    });
    this.#last.set(log, taken);
    return turn;
  }
}

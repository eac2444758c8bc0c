/**
 * One `append` or `send` under way: its items finish one by one, the promise settles with the last.
 */

import { isMillraceError } from "../../model/errors.ts";
import type { Outcome } from "../../model/outcome.ts";

export class PendingCall<Value> {
  readonly settled: Promise<readonly Outcome<Value>[]>;
  readonly #outcomes: Outcome<Value>[] = [];
  #left: number;
  #resolve!: (outcomes: readonly Outcome<Value>[]) => void;
  #reject!: (error: unknown) => void;

  constructor(count: number) {
    this.#left = count;
    this.settled = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    if (count === 0) this.#resolve(this.#outcomes);
  }

  succeed(index: number, value: Value): void {
    this.#outcomes[index] = { ok: true, value };
    if (--this.#left === 0) this.#resolve(this.#outcomes);
  }

  /**
   * A `MillraceError` is the item's outcome; anything else is a defect and rejects the whole call.
   */
  fail(index: number, error: unknown): void {
    if (!isMillraceError(error)) return this.#reject(error);
    this.#outcomes[index] = { ok: false, error };
    if (--this.#left === 0) this.#resolve(this.#outcomes);
  }
}

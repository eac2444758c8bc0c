/**
 * So much work of one connection, then a turn for the others: a client that sends ten thousand small
 * requests at once would otherwise have the process to itself until all are answered, because most are
 * answered without waiting for anything.
 */

import type { Clock, Timer } from "../../model/clock.ts";

const TURN_MS = 1;

export class Pace {
  readonly #clock: Clock;
  readonly #turnMax: number;
  readonly #next: () => void;
  #begun = 0;
  #sinceMs = 0;
  #timer: Timer | undefined;

  /** `next` is called when the connection has its turn again. */
  constructor(clock: Clock, turnMax: number, next: () => void) {
    this.#clock = clock;
    this.#turnMax = turnMax;
    this.#next = next;
  }

  /** It waits for its turn: nothing may begin. */
  get waiting(): boolean {
    return this.#timer !== undefined;
  }

  /** Whether one more may begin in this turn; what it costs is told by `count`. */
  may(): boolean {
    if (this.#timer !== undefined) return false;
    if (this.#begun < this.#turnMax) return true;
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#sinceMs >= TURN_MS) {
      this.#sinceMs = nowMs;
      this.#begun = 0;
      return true;
    }
    this.#timer = this.#clock.after(0, () => {
      this.#timer = undefined;
      this.#begun = 0;
      this.#sinceMs = this.#clock.monotonic();
      this.#next();
    });
    return false;
  }

  /** One has begun that costs as much as `weight` of the smallest. */
  count(weight: number): void {
    this.#begun += weight;
  }

  cancel(): void {
    this.#timer?.cancel();
  }
}

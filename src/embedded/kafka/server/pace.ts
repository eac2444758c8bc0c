/**
 * So many requests of one connection, then a turn for the others: a client that sends ten thousand
 * small requests at once would otherwise have the process to itself until all are answered, because
 * most are answered without waiting for anything.
 */

import type { Clock, Timer } from "../../../model/clock.ts";

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

  /** Whether one more may begin in this turn. */
  take(): boolean {
    if (this.#timer !== undefined) return false;
    if (this.#begun < this.#turnMax) {
      this.#begun++;
      return true;
    }
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#sinceMs >= TURN_MS) return this.#begin(nowMs);
    this.#timer = this.#clock.after(0, () => {
      this.#timer = undefined;
      this.#begun = 0;
      this.#sinceMs = this.#clock.monotonic();
      this.#next();
    });
    return false;
  }

  cancel(): void {
    this.#timer?.cancel();
  }

  #begin(nowMs: number): boolean {
    this.#sinceMs = nowMs;
    this.#begun = 1;
    return true;
  }
}

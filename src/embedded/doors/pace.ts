/**
 * So much work of one connection, then a turn for the others: a client that sends ten thousand small
 * requests at once would otherwise have the process to itself until all are answered, because most are
 * answered without waiting for anything.
 */

import type { Turns } from "./turns.ts";

/** What a connection may do of small things in a turn that has had enough. */
const SMALL_MAX = 4;

export class Pace {
  readonly #turns: Turns;
  readonly #turnMax: number;
  readonly #next: () => void;
  readonly #wake = (): void => {
    this.#waiting = false;
    this.#next();
  };
  #turn = -1;
  #begun = 0;
  #waiting = false;

  /** `next` is called when the connection has its turn again. */
  constructor(turns: Turns, turnMax: number, next: () => void) {
    this.#turns = turns;
    this.#turnMax = turnMax;
    this.#next = next;
  }

  /** It waits for its turn: nothing may begin. */
  get waiting(): boolean {
    return this.#waiting;
  }

  /**
   * Whether one more may begin in this turn; what it costs is told by `count`. Something `small` also
   * where all connections together have done enough, as long as this one has done next to nothing.
   */
  may(small: boolean): boolean {
    if (this.#waiting) return false;
    const { number } = this.#turns;
    if (number !== this.#turn) {
      this.#turn = number;
      this.#begun = 0;
    }
    const overtakes = small && this.#begun < SMALL_MAX;
    if (this.#begun < this.#turnMax && (overtakes || !this.#turns.full)) return true;
    this.#waiting = true;
    this.#turns.wait(this.#wake);
    return false;
  }

  /** One has begun that costs as much as `weight` of the smallest. */
  count(weight: number): void {
    this.#begun += weight;
    this.#turns.count(weight);
  }

  cancel(): void {
    this.#turns.leave(this.#wake);
  }
}

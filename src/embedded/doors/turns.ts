/**
 * The turns of the event loop, and what all connections of a door do in one of them together.
 *
 * A process has one thread. What one connection may do before others get their turn bounds that
 * connection, but not a hundred of them, each of which uses its turn to the end: who asks for little
 * then waits for all of them, several times, for an answer takes several turns. So there is a sum, too.
 * When a turn has had it, those who have more to do wait for the next one, in the order of asking, and
 * those who have little go on all the same (`pace.ts`).
 *
 * A turn is what the event loop makes of it: it has ended when everything that had come by then was
 * looked at. Time tells nothing of that; on a machine that is busy with others, a millisecond may be
 * over before anything was done in it.
 */

import type { Clock } from "../../model/clock.ts";

export class Turns {
  readonly #clock: Clock;
  readonly #weightMax: number;
  readonly #waiting = new Set<() => void>();
  #number = 0;
  #weight = 0;
  #begun = false;

  /** `weightMax` is what all may do in one turn, in the unit in which they count. */
  constructor(clock: Clock, weightMax: number) {
    this.#clock = clock;
    this.#weightMax = weightMax;
  }

  /** Of the present turn. */
  get number(): number {
    this.#begin();
    return this.#number;
  }

  /** All together have done in this turn what they may. */
  get full(): boolean {
    return this.#weight >= this.#weightMax;
  }

  /** Something is done that costs so much. */
  count(weight: number): void {
    this.#begin();
    this.#weight += weight;
  }

  /** Calls `next` in a later turn that has room for more, once. */
  wait(next: () => void): void {
    this.#waiting.add(next);
    this.#begin();
  }

  leave(next: () => void): void {
    this.#waiting.delete(next);
  }

  #begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#clock.after(0, () => this.#next());
  }

  #next(): void {
    this.#begun = false;
    this.#number++;
    this.#weight = 0;
    // Who comes to wait again meanwhile waits for the turn after this one.
    const waiting = [...this.#waiting];
    for (const next of waiting) {
      if (this.full) break;
      if (this.#waiting.delete(next)) next();
    }
    if (this.#waiting.size > 0) this.#begin();
  }
}

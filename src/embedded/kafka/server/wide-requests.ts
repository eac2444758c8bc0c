/**
 * Requests whose length is work: one that names thirty thousand partitions keeps the process's only
 * thread for tens of milliseconds, and ten clients that do nothing else would leave it to nobody.
 *
 * So all connections of a door share what they may send of such requests: each is followed by a rest as
 * long as its length asks for, in which others are answered. Those that wait begin in the order of
 * asking.
 */

import type { Clock, Timer } from "../../../model/clock.ts";

export class WideRequests {
  readonly #clock: Clock;
  readonly #bytesPerMs: number;
  readonly #waiting = new Set<() => void>();
  #restsUntilMs = 0;
  #timer: Timer | undefined;
  #woken: (() => void) | undefined;

  constructor(clock: Clock, bytesPerMs: number) {
    this.#clock = clock;
    this.#bytesPerMs = bytesPerMs;
  }

  /** Whether a request of so many bytes may begin; if not, `wake` is called when it is its turn. */
  take(bytes: number, wake: () => void): boolean {
    const nowMs = this.#clock.monotonic();
    const isNext = this.#waiting.size === 0 || this.#woken === wake;
    if (isNext && nowMs >= this.#restsUntilMs) {
      this.#restsUntilMs = nowMs + bytes / this.#bytesPerMs;
      return true;
    }
    this.#waiting.add(wake);
    this.#wakeLater(nowMs);
    return false;
  }

  /** The connection has ended. */
  leave(wake: () => void): void {
    this.#waiting.delete(wake);
  }

  #wakeLater(nowMs: number): void {
    if (this.#timer !== undefined) return;
    this.#timer = this.#clock.after(Math.max(0, this.#restsUntilMs - nowMs), () => {
      this.#timer = undefined;
      const [first] = this.#waiting;
      if (first === undefined) return;
      this.#waiting.delete(first);
      this.#woken = first;
      first();
      this.#woken = undefined;
      if (this.#waiting.size > 0) this.#wakeLater(this.#clock.monotonic());
    });
  }
}

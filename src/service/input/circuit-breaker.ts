/**
 * Tells an outage from messages that are bad by themselves. Pure.
 *
 * One poisoned message fails its own key alone, while others go on; when the handler itself is broken,
 * or what it calls, one key after another fails and none goes through. So different keys are counted
 * that failed within the time, and one message that is handled, of whatever key, begins the count
 * anew. Where some keys fail and others go through between them it stays closed, and those keys park.
 */

import type { Breaker } from "../part.ts";

export class CircuitBreaker {
  readonly #breaker: Breaker;
  /** When each key failed last, the longest ago first. */
  readonly #failedMs = new Map<string, number>();

  constructor(breaker: Breaker) {
    this.#breaker = breaker;
  }

  /** Notes the failure; returns how many keys failed since the last success, if that is an outage. */
  failed(key: string, nowMs: number): number | undefined {
    const { failures, withinMs } = this.#breaker;
    this.#failedMs.delete(key);
    this.#failedMs.set(key, nowMs);
    for (const [each, atMs] of this.#failedMs) {
      if (atMs > nowMs - withinMs) break;
      this.#failedMs.delete(each);
    }
    return this.#failedMs.size >= failures ? this.#failedMs.size : undefined;
  }

  handled(): void {
    if (this.#failedMs.size > 0) this.#failedMs.clear();
  }
}

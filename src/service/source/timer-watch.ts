/** What a part's own commits tell of its timers, so that nobody has to ask the store for it. */

import type { TimerCancel, TimerWrite } from "../../store/write-set.ts";

export class TimerWatch {
  #earliestMs: number | undefined;
  #wake: () => void = () => undefined;

  /** These were committed. */
  note(timers: readonly (TimerWrite | TimerCancel)[]): void {
    for (const timer of timers) {
      if (!("dueMs" in timer)) continue;
      if (this.#earliestMs !== undefined && this.#earliestMs <= timer.dueMs) continue;
      this.#earliestMs = timer.dueMs;
      this.#wake();
    }
  }

  /** The earliest that was noted since `forget`. */
  get earliestMs(): number | undefined {
    return this.#earliestMs;
  }

  /** The store is about to be asked. */
  forget(): void {
    this.#earliestMs = undefined;
  }

  /** One listener: the input, while it is open. */
  listen(wake: () => void): void {
    this.#wake = wake;
  }
}

/** Time, passed in wherever it is needed, so that tests and the simulator own it. */

export interface Timer {
  cancel(): void;
}

export interface Clock {
  /** Milliseconds since 1970. May jump; never used to measure a duration. */
  now(): number;
  /** Milliseconds from an arbitrary start, never going back; with fractions. */
  monotonic(): number;
  /** Calls `callback` once after at least `delayMs`. A timer alone does not keep a process alive. */
  after(delayMs: number, callback: () => void): Timer;
  /**
   * Calls `callback` once when `now()` has reached `timeMs`, sooner or later where the clock is set
   * meanwhile. A real clock may notice that, or that the machine slept, only after ten seconds.
   */
  at(timeMs: number, callback: () => void): Timer;
}

/** Resolves after `delayMs`, or rejects with the signal's reason as soon as it aborts. */
export function delay(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const onAbort = (): void => {
      timer.cancel();
      reject(signal?.reason);
    };
    const timer = clock.after(delayMs, () => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    });
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

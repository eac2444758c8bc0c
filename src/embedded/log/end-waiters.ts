/** Readers that wait at the end of a partition. */

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export class EndWaiters {
  private readonly waiters = new Set<Waiter>();

  /** Whether anybody waits. */
  get waiting(): boolean {
    return this.waiters.size > 0;
  }

  /** Resolves when the end passes `offset`, or rejects with the signal's reason. */
  wait(offset: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const leave = (): void => {
        this.waiters.delete(waiter);
        signal.removeEventListener("abort", onAbort);
      };
      const onAbort = (): void => waiter.reject(signal.reason);
      const waiter: Waiter = {
        offset,
        resolve: () => {
          leave();
          resolve();
        },
        reject: (reason) => {
          leave();
          reject(reason);
        },
      };
      this.waiters.add(waiter);
      signal.addEventListener("abort", onAbort, { once: true });
    });
  }

  reach(end: number): void {
    for (const waiter of this.waiters) if (end > waiter.offset) waiter.resolve();
  }

  rejectAll(reason: () => Error): void {
    for (const waiter of this.waiters) waiter.reject(reason());
  }
}

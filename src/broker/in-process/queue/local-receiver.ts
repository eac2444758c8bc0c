/**
 * One receiver of a queue: asks for leases when its reader asks for a group, within its credit.
 *
 * Leases are taken on demand and never buffered: a lease that waits in a buffer would run out
 * there. `asking` is true while the reader waits; the queue then answers with `deliver`, `fail` or
 * the end.
 */

import type { Lease, QueueReceiver } from "../../queues.ts";

interface Waiter {
  readonly resolve: (result: IteratorResult<readonly Lease[]>) => void;
  readonly reject: (error: unknown) => void;
}

export interface ReceiverOptions {
  readonly credit: number;
  readonly signal?: AbortSignal | undefined;
  /** Called when the reader asks for more, and when the receiver closes. */
  readonly onChange: (receiver: LocalReceiver) => void;
}

export class LocalReceiver implements QueueReceiver {
  readonly #options: ReceiverOptions;
  readonly #waiters: Waiter[] = [];
  readonly #onAbort = (): void => this.#end();
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  /** Leases recorded for it and not yet delivered. */
  #coming = 0;
  #askMax = Infinity;
  /** Leases unsettled, those coming included. */
  held = 0;

  constructor(options: ReceiverOptions) {
    this.#options = options;
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (options.signal?.aborted) this.#end();
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** How many leases it would take now; 0 while its reader is busy or a group is on its way. */
  get wanted(): number {
    if (this.#ended || this.#waiters.length === 0 || this.#coming > 0) return 0;
    return Math.max(0, Math.min(this.#askMax, this.#options.credit - this.held));
  }

  /** Whether leases are being written down for it. */
  get expecting(): boolean {
    return this.#coming > 0;
  }

  /**
   * Bounds the next groups, within its credit, until told otherwise; 0 stops it from asking. For doors
   * whose clients give and take back credit message by message.
   */
  askAtMost(count: number): void {
    this.#askMax = count;
    if (count > 0) this.#options.onChange(this);
  }

  /** Counts leases that are being written down for it. */
  expect(count: number): void {
    this.held += count;
    this.#coming += count;
  }

  /**
   * Hands over a group that was expected to have `expected`; false when nobody takes it any more.
   */
  deliver(leases: readonly Lease[], expected: number): boolean {
    this.#coming -= expected;
    if (leases.length === 0) {
      this.#options.onChange(this);
      return true;
    }
    const waiter = this.#ended ? undefined : this.#waiters.shift();
    if (waiter === undefined) return false;
    waiter.resolve({ done: false, value: leases });
    return true;
  }

  /** The queue lost what it expected of it. */
  reset(): void {
    this.held = 0;
    this.#coming = 0;
  }

  /** Ends the iteration with an error, now or at the next request. */
  fail(error: unknown): void {
    if (this.#ended) return;
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#failure = { error };
    else waiter.reject(error);
    this.#end();
  }

  async close(): Promise<void> {
    this.#end();
  }

  [Symbol.asyncIterator](): AsyncIterator<readonly Lease[]> {
    return {
      next: () =>
        new Promise((resolve, reject) => {
          if (this.#failure !== undefined) {
            reject(this.#failure.error);
            this.#failure = undefined;
            return;
          }
          if (this.#ended) return resolve({ done: true, value: undefined });
          this.#waiters.push({ resolve, reject });
          this.#options.onChange(this);
        }),
      return: async () => {
        this.#end();
        return { done: true, value: undefined };
      },
    };
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    for (const waiter of this.#waiters.splice(0)) waiter.resolve({ done: true, value: undefined });
    this.#options.onChange(this);
  }
}

/**
 * The events of a service's own store, for the parts that are fed from there: it wakes them when this
 * process has appended some, and shares what they read of the same place in the same moment.
 *
 * Where several processes append to one store, it also looks by itself now and then.
 */

import type { Timer } from "../../model/clock.ts";
import type { Environment } from "../../model/environment.ts";
import type { Store, StoredEvent } from "../../store/store.ts";

const PAGE = 1000;
const POLL_MS = 200;

export interface EventPage {
  readonly events: readonly StoredEvent[];
  /** There may be more behind it. */
  readonly full: boolean;
}

export class EventFeed {
  readonly #store: Store;
  readonly #environment: Environment;
  readonly #reads = new Map<number, Promise<EventPage>>();
  readonly #waiters = new Set<() => void>();
  /** How often something was appended: whoever saw the same count before reading missed nothing. */
  #appends = 0;

  constructor(store: Store, environment: Environment) {
    this.#store = store;
    this.#environment = environment;
  }

  get appends(): number {
    return this.#appends;
  }

  /** A commit of this process has appended events. */
  readonly appended = (): void => {
    this.#appends++;
    this.#reads.clear();
    for (const wake of this.#waiters) wake();
    this.#waiters.clear();
  };

  /** One more than the sequence of the newest event; 0 where there is none. */
  async end(): Promise<number> {
    const newest = await this.#store.lastEvent();
    return newest === 0 ? 0 : newest + 1;
  }

  /** The events behind `after`, in commit order. Throws STORE_FAILED. */
  read(after: number): Promise<EventPage> {
    let reading = this.#reads.get(after);
    if (reading === undefined) {
      reading = this.#store
        .readEvents({ after, limit: PAGE })
        .then((events) => ({ events, full: events.length === PAGE }));
      this.#reads.set(after, reading);
      reading.then(
        () => this.#forget(after, reading),
        () => this.#forget(after, reading),
      );
    }
    return reading;
  }

  /** Resolves when events may have been appended since `appends` was read, or the signal aborts. */
  async next(appends: number, signal: AbortSignal): Promise<void> {
    if (this.#appends !== appends || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const poll: Timer | undefined = this.#store.capabilities.shared
      ? this.#environment.clock.after(POLL_MS, resolve)
      : undefined;
    this.#waiters.add(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    await promise;
    this.#waiters.delete(resolve);
    poll?.cancel();
  }

  #forget(after: number, reading: Promise<EventPage> | undefined): void {
    if (this.#reads.get(after) === reading) this.#reads.delete(after);
  }
}

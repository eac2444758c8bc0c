/**
 * Commits what an input's units decided, one batch at a time.
 *
 * While a batch is with the store, further outcomes gather for the next: so one message alone is
 * committed at once, and under load a commit carries many. A batch is tried again for as long as the
 * store is out; what the store will never take is found by halving and handed back.
 */

import { delay } from "../../model/clock.ts";
import type { Environment } from "../../model/environment.ts";
import { isMillraceError } from "../../model/errors.ts";
import type { Store } from "../../store/store.ts";
import type {
  BatchInput,
  BatchOutcome,
  Incoming,
  OffsetRange,
  SetOutcome,
} from "../../store/write-set.ts";
import { backoffMs, isStoreOutage } from "../failure.ts";
import type { FailurePolicy } from "../part.ts";
import type { Relay } from "../outbox/relay.ts";
import type { Arrival } from "./arrival.ts";
import { batchOf, type Ready } from "./batch.ts";

export interface CommitterOptions {
  readonly store: Store;
  readonly relay: Pick<Relay, "room" | "committing" | "committed" | "doubted">;
  readonly environment: Environment;
  readonly policy: FailurePolicy;
  readonly input: Omit<BatchInput, "unfinished" | "gaps">;
  /** The outbox lane. */
  readonly lane: string;
  /** Aborts when nothing more shall be committed. */
  readonly signal: AbortSignal;
  readonly events: CommitEvents;
}

export interface Committed {
  /** The copies committed with each arrival. */
  readonly repeats: readonly number[];
  /** The lane's sequence of the outcome's first outgoing message, where it has some. */
  readonly firstSequence: number;
}

/** What the input's engine does about it. */
export interface CommitEvents {
  /** Messages in flight that are not in the batch. */
  readonly unfinished: (inBatch: ReadonlySet<Arrival>) => readonly Incoming[];
  /** The store answered for one outcome. Returns the arrivals that are settled now. */
  readonly answered: (ready: Ready, answer: SetOutcome, committed: Committed) => readonly Arrival[];
  /** These are settled in the store, durably. */
  readonly settled: (arrivals: readonly Arrival[], outcome: BatchOutcome) => void;
  /** The store will never take this outcome. */
  readonly refused: (ready: Ready, error: unknown) => void;
  readonly outage: (error: unknown) => void;
  readonly storeAnswers: () => void;
  /** Nothing can be committed any more. */
  readonly failed: (error: unknown) => void;
  /** A batch is done, or all are. */
  readonly progressed: () => void;
}

const BATCH_MAX = 1024;

export class Committer {
  readonly #options: CommitterOptions;
  readonly #ready: Ready[] = [];
  readonly #noted: Arrival[] = [];
  readonly #gaps: OffsetRange[] = [];
  #readyMessages = 0;
  #busy = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** Nothing waits and nothing is with the store. */
  get idle(): boolean {
    return !this.#busy && this.#ready.length === 0 && this.#noted.length === 0;
  }

  /** Enough waits for the next two batches: handling more now would only use memory. */
  get full(): boolean {
    return this.#readyMessages >= 2 * BATCH_MAX;
  }

  push(ready: Ready): void {
    this.#ready.push(ready);
    this.#readyMessages += ready.arrivals.length;
    this.#schedule();
  }

  /** Messages that need nothing but to be noted as settled. */
  note(arrivals: readonly Arrival[]): void {
    if (arrivals.length === 0) return;
    this.#noted.push(...arrivals);
    this.#schedule();
  }

  skip(gap: OffsetRange): void {
    this.#gaps.push(gap);
  }

  #schedule(): void {
    if (this.#busy || this.#options.signal.aborted) return;
    this.#busy = true;
    // A moment later, so that everything decided in this one goes along.
    queueMicrotask(() => void this.#commitAll());
  }

  async #commitAll(): Promise<void> {
    const { signal, events, relay, lane } = this.#options;
    try {
      while (!signal.aborted && (this.#ready.length > 0 || this.#noted.length > 0)) {
        if (this.#ready.some(({ decision }) => (decision?.outgoing.length ?? 0) > 0)) {
          await relay.room(lane);
          // Whoever ended the input meanwhile may have moved its position already.
          if (signal.aborted) return;
        }
        await this.#commit(this.#takeReady(), this.#noted.splice(0, 2 * BATCH_MAX));
        events.progressed();
      }
    } catch (error) {
      events.failed(error);
    } finally {
      this.#busy = false;
      events.progressed();
    }
  }

  #takeReady(): readonly Ready[] {
    let count = 0;
    let messages = 0;
    while (count < this.#ready.length && (count === 0 || messages < BATCH_MAX)) {
      messages += this.#ready[count]!.arrivals.length;
      count++;
    }
    this.#readyMessages -= messages;
    return this.#ready.splice(0, count);
  }

  async #commit(ready: readonly Ready[], noted: readonly Arrival[]): Promise<void> {
    const { input, lane, relay, events } = this.#options;
    const inBatch = new Set(ready.flatMap(({ arrivals }) => arrivals));
    const repeats = ready.map(({ arrivals }) => arrivals.map((each) => each.repeats?.length ?? 0));
    const unfinished = events.unfinished(inBatch);
    const gaps = this.#gaps.splice(0);
    const outcome = await this.#apply(
      () => batchOf({ ...input, unfinished, gaps }, lane, ready, noted),
      (error) => this.#refused(ready, noted, gaps, error),
    );
    if (outcome === undefined) return;
    events.storeAnswers();
    let firstSequence = outcome.sequences?.from ?? 0;
    const done = ready.flatMap((each, index) => {
      const answer = outcome.sets[index]!;
      const committed = { repeats: repeats[index]!, firstSequence };
      if (answer.status === "applied") firstSequence += each.decision?.outgoing.length ?? 0;
      return events.answered(each, answer, committed);
    });
    if (outcome.sequences !== undefined) {
      const applied = ready.filter((_, index) => outcome.sets[index]!.status === "applied");
      const messages = applied.flatMap(({ decision }) => decision?.outgoing ?? []);
      relay.committed(lane, outcome.sequences, messages);
    }
    events.settled([...done, ...noted], outcome);
  }

  /** Undefined where the batch was not applied: ended meanwhile, or refused and dealt with. */
  async #apply(
    batch: () => Parameters<Store["apply"]>[0],
    refused: (error: unknown) => Promise<void>,
  ): Promise<BatchOutcome | undefined> {
    const { store, environment, policy, signal, events, relay, lane } = this.#options;
    for (let failures = 1; ; failures++) {
      try {
        const applied = store.apply(batch());
        relay.committing(lane);
        return await applied;
      } catch (error) {
        if (signal.aborted) return undefined;
        if (!isStoreOutage(error)) {
          await refused(error);
          return undefined;
        }
        events.outage(error);
        relay.doubted(lane);
      }
      const waitMs = backoffMs(failures, policy, environment.random);
      await delay(environment.clock, waitMs, signal).catch(() => undefined);
      if (signal.aborted) return undefined;
    }
  }

  async #refused(
    ready: readonly Ready[],
    noted: readonly Arrival[],
    gaps: readonly OffsetRange[],
    error: unknown,
  ): Promise<void> {
    const { events, signal } = this.#options;
    this.#gaps.push(...gaps);
    const [first, second] = ready;
    const curable =
      isMillraceError(error) && (error.code === "TOO_LARGE" || error.code === "BAD_ARGUMENT");
    if (!curable || first === undefined) {
      events.failed(error);
      return;
    }
    if (second !== undefined) {
      const half = Math.ceil(ready.length / 2);
      await this.#commit(ready.slice(0, half), noted);
      if (!signal.aborted) await this.#commit(ready.slice(half), []);
      return;
    }
    if (noted.length > 0) await this.#commit([], noted);
    if (!signal.aborted) events.refused(first, error);
  }
}

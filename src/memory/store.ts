/**
 * The store port in memory, for tests and for services whose state may go with their process.
 *
 * What it holds belongs to the factory: a store that was closed and is opened again from the same
 * factory finds it as it was, so a test can restart a service. Everything happens between two turns
 * of the event loop, so a write set is applied whole by checking first and writing afterwards.
 */

import type { Clock } from "../model/clock.ts";
import type { Environment } from "../model/environment.ts";
import { MillraceError } from "../model/errors.ts";
import { DEFAULT_ID_WINDOW, STORE_LIMITS } from "../store/limits.ts";
import type { IdWindow } from "../store/limits.ts";
import { checkEntityReads } from "../store/read-check.ts";
import type { EntityRead } from "../store/read-check.ts";
import type {
  CollectionSpec,
  DocumentPage,
  DocumentQuery,
  InputProgress,
  OutboxRow,
  PendingLane,
  ParkedMessage,
  Store,
  StoreCapabilities,
  StoreFactory,
  StoredDocument,
  StoredEffect,
  StoredEvent,
  StoredTimer,
} from "../store/store.ts";
import { timersLease } from "../store/timers-lease.ts";
import type { Batch, BatchOutcome } from "../store/write-set.ts";
import { applyBatch } from "./store-batch.ts";
import type { Contents } from "./store-batch.ts";
import { MemoryDocuments } from "./store-documents.ts";
import { MemoryEffects } from "./store-effects.ts";
import { MemoryEvents } from "./store-events.ts";
import type { EventRange } from "./store-events.ts";
import { MemoryInputs } from "./store-inputs.ts";
import { MemoryOutbox } from "./store-outbox.ts";
import { MemoryParking } from "./store-parking.ts";
import type { ParkedFilter } from "./store-parking.ts";
import { MemoryTimers } from "./store-timers.ts";
import { newStoreEpoch } from "../store/store-epoch.ts";
import type { DueFilter, TimerFilter } from "./store-timers.ts";

export interface MemoryStoreOptions {
  readonly idWindow?: IdWindow;
}

export function memoryStore({
  idWindow = DEFAULT_ID_WINDOW,
}: MemoryStoreOptions = {}): StoreFactory {
  const services = new Map<string, Contents>();
  const createContents = (epoch: number): Contents => ({
    epoch,
    documents: new MemoryDocuments(),
    events: new MemoryEvents(),
    inputs: new MemoryInputs(idWindow),
    outbox: new MemoryOutbox(epoch),
    parking: new MemoryParking(),
    timers: new MemoryTimers(),
    effects: new MemoryEffects(),
    open: false,
  });
  return {
    adapter: "memory",
    open({ service, environment }: { service: string; environment: Environment }): Promise<Store> {
      const contents =
        services.get(service) ?? createContents(newStoreEpoch(environment.clock.now()));
      if (contents.open) {
        const text = `the store of ${service} is open already; close it first, or give each its own memoryStore()`;
        return Promise.reject(new MillraceError("DIRECTORY_IN_USE", text));
      }
      services.set(service, contents);
      contents.open = true;
      contents.outbox.endLeases();
      return Promise.resolve(new MemoryStore(contents, environment.clock));
    },
  };
}

class MemoryStore implements Store {
  readonly capabilities: StoreCapabilities = { adapter: "memory", durable: false, shared: false };
  readonly epoch: number;
  readonly #contents: Contents;
  readonly #clock: Clock;
  #closed = false;

  constructor(contents: Contents, clock: Clock) {
    this.#contents = contents;
    this.epoch = contents.epoch;
    this.#clock = clock;
  }

  ensureCollections(collections: readonly CollectionSpec[]): Promise<void> {
    return this.#run(({ documents }) => {
      for (const spec of collections) documents.ensure(spec);
    });
  }

  apply(batch: Batch): Promise<BatchOutcome> {
    return this.#run((contents) => applyBatch(contents, batch, this.#clock.now()));
  }

  getDocuments(
    collection: string,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, StoredDocument>> {
    return this.#run(({ documents }) => documents.get(collection, ids));
  }

  findDocuments(collection: string, query: DocumentQuery): Promise<DocumentPage> {
    return this.#run(({ documents }) => documents.find(collection, query));
  }

  countDocuments(collection: string): Promise<number> {
    return this.#run(({ documents }) => documents.count(collection));
  }

  dropCollection(collection: string): Promise<void> {
    return this.#run(({ documents }) => documents.drop(collection));
  }

  readEntity(entity: string, options: EventRange = {}): Promise<readonly StoredEvent[]> {
    return this.#run(({ events }) => events.readEntity(entity, options));
  }

  readEntities(
    entities: readonly EntityRead[],
  ): Promise<ReadonlyMap<string, readonly StoredEvent[]>> {
    return this.#run(({ events }) => {
      checkEntityReads(entities);
      return events.readEntities(entities);
    });
  }

  lastEvent(): Promise<number> {
    return this.#run(({ events }) => events.last);
  }

  readEvents(options: EventRange = {}): Promise<readonly StoredEvent[]> {
    return this.#run(({ events }) => events.readAll(options));
  }

  readProgress(
    consumer: string,
    input: string,
    { epoch }: { readonly epoch?: number } = {},
  ): Promise<InputProgress> {
    return this.#run(({ inputs }) => inputs.read(consumer, input, epoch));
  }

  seenIds(consumer: string, input: string, ids: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#run(({ inputs }) => {
      const { seen } = inputs.get(consumer, input);
      return new Set(ids.filter((id) => seen.has(id)));
    });
  }

  seek(
    consumer: string,
    input: string,
    to: { readonly position: number; readonly log: string },
  ): Promise<void> {
    return this.#run(({ inputs }) => inputs.seek(consumer, input, to));
  }

  listProgress(): ReturnType<Store["listProgress"]> {
    return this.#run(({ inputs }) => inputs.list());
  }

  forgetConsumer(consumer: string): Promise<void> {
    return this.#run(({ inputs, timers, effects, parking, outbox }) => {
      for (const part of [inputs, timers, effects, parking]) part.forget(consumer);
      outbox.forgetLease(timersLease(consumer));
    });
  }

  dueTimers(consumer: string, options: DueFilter): Promise<readonly StoredTimer[]> {
    return this.#run(({ timers }) => timers.due(consumer, options));
  }

  nextTimerMs(consumer: string): Promise<number | undefined> {
    return this.#run(({ timers }) => timers.nextMs(consumer));
  }

  listTimers(consumer: string, options: TimerFilter = {}): Promise<readonly StoredTimer[]> {
    return this.#run(({ timers }) => timers.list(consumer, options));
  }

  readEffects(
    consumer: string,
    messages: readonly string[],
  ): Promise<ReadonlyMap<string, readonly StoredEffect[]>> {
    return this.#run(({ effects }) => effects.read(consumer, messages));
  }

  trimEffects(beforeMs: number, limit: number = STORE_LIMITS.trimLimit): Promise<number> {
    return this.#run(({ effects }) => effects.trim(beforeMs, limit));
  }

  pendingLanes(): Promise<readonly string[]> {
    return this.#run(({ outbox }) => outbox.pending());
  }

  pendingOutbox(): Promise<readonly PendingLane[]> {
    return this.#run(({ outbox }) => outbox.extents());
  }

  leaseLane(lane: string, owner: string, leaseMs: number): Promise<boolean> {
    return this.#run(({ outbox }) => outbox.lease(lane, owner, this.#clock.now(), leaseMs));
  }

  readOutbox(lane: string, limit: number): Promise<readonly OutboxRow[]> {
    return this.#run(({ outbox }) => outbox.read(lane, limit));
  }

  trimOutbox(lane: string, owner: string, sequence: number): Promise<void> {
    return this.#run(({ outbox }) => outbox.trim(lane, owner, sequence));
  }

  parkedKeys(consumer: string, input: string): Promise<ReadonlyMap<string, number>> {
    return this.#run(({ parking }) => parking.keys(consumer, input));
  }

  listParked(options: ParkedFilter = {}): Promise<readonly ParkedMessage[]> {
    return this.#run(({ parking }) => parking.list(options));
  }

  redriveParked(rows: readonly number[] | "all"): Promise<number> {
    return this.#run(({ parking }) => parking.redrive(rows));
  }

  redriveDue(
    consumer: string,
    input: string,
    nowMs: number,
  ): Promise<{ readonly count: number; readonly nextMs?: number }> {
    return this.#run(({ parking }) => parking.redriveDue(consumer, input, nowMs));
  }

  discardParked(rows: readonly number[]): Promise<number> {
    return this.#run(({ parking }) => parking.discard(rows));
  }

  close(): Promise<void> {
    if (!this.#closed) this.#contents.open = false;
    this.#closed = true;
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run<Result>(work: (contents: Contents) => Result): Promise<Result> {
    if (this.#closed) throw new MillraceError("CLOSED", "the store was closed");
    // Yields, as a store with a disk would: callers must not rely on an answer in the same turn.
    await Promise.resolve();
    return work(this.#contents);
  }
}

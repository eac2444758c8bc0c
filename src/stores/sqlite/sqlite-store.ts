/** The store port on SQLite: checks and encodes on the caller's thread, everything else in the worker. */

import type { Clock } from "../../model/clock.ts";
import { MillraceError } from "../../model/errors.ts";
import { checkBatch } from "../../store/batch-check.ts";
import { STORE_LIMITS } from "../../store/limits.ts";
import { checkEntityReads } from "../../store/read-check.ts";
import type { EntityRead } from "../../store/read-check.ts";
import type {
  CollectionSpec,
  DocumentPage,
  DocumentQuery,
  InputProgress,
  OutboxRow,
  PendingLane,
  ParkedMessage,
  Store,
  StoreBackup,
  StoreCapabilities,
  StoredDocument,
  StoredEffect,
  StoredEvent,
  StoredTimer,
} from "../../store/store.ts";
import type { Batch, BatchOutcome, SetOutcome } from "../../store/write-set.ts";
import type { PackedDocuments } from "./tables/documents.ts";
import { unpackEvents } from "./tables/events.ts";
import { unpackOutbox } from "./tables/outbox.ts";
import { unpackParked } from "./tables/parking.ts";
import type { ParkedFilter } from "./tables/parking.ts";
import { unpackTimers } from "./tables/timers.ts";
import type { DueFilter, TimerFilter } from "./tables/timers.ts";
import { SeenFilter } from "./tables/seen-filter.ts";
import { encodeBatch } from "./wire/batches.ts";
import type { WorkerClient } from "./worker-client.ts";

export interface SqliteStoreOptions {
  readonly epoch: number;
  readonly clock: Clock;
  readonly durable: boolean;
}

interface EventRange {
  readonly after?: number;
  readonly limit?: number;
}

export class SqliteStore implements Store {
  readonly capabilities: StoreCapabilities;
  readonly epoch: number;
  readonly #worker: WorkerClient;
  readonly #clock: Clock;
  /** By consumer and input. */
  readonly #seenFilters = new Map<string, SeenFilter>();

  constructor(worker: WorkerClient, { epoch, clock, durable }: SqliteStoreOptions) {
    this.capabilities = { adapter: "sqlite", durable, shared: false };
    this.epoch = epoch;
    this.#worker = worker;
    this.#clock = clock;
  }

  async backup(file: string): Promise<StoreBackup> {
    await this.#worker.backup(file);
    let thawed: Promise<void> | undefined;
    return { release: () => (thawed ??= this.#worker.thaw()) };
  }

  bytes(): Promise<number> {
    return this.#worker.call("bytes", []);
  }

  ensureCollections(collections: readonly CollectionSpec[]): Promise<void> {
    return this.#worker.call("ensureCollections", [collections]);
  }

  async apply(batch: Batch): Promise<BatchOutcome> {
    checkBatch(batch);
    const bytes = encodeBatch(batch);
    const { leftOut, ...outcome } = await this.#worker.call(
      "apply",
      [bytes, this.#clock.now()],
      [bytes.buffer],
    );
    const sets: SetOutcome[] = batch.sets.map(({ key }) => ({ key, status: "applied" }));
    for (const [index, setOutcome] of leftOut) sets[index] = setOutcome;
    return { ...outcome, sets };
  }

  async getDocuments(
    collection: string,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, StoredDocument>> {
    const packed = await this.#worker.call("getDocuments", [collection, ids]);
    return new Map(unpackDocuments(packed).map((document) => [document.id, document]));
  }

  async findDocuments(collection: string, query: DocumentQuery): Promise<DocumentPage> {
    const packed = await this.#worker.call("findDocuments", [collection, query]);
    const documents = unpackDocuments(packed);
    return packed.next === undefined ? { documents } : { documents, next: packed.next };
  }

  countDocuments(collection: string): Promise<number> {
    return this.#worker.call("countDocuments", [collection]);
  }

  dropCollection(collection: string): Promise<void> {
    return this.#worker.call("dropCollection", [collection]);
  }

  async readEntity(entity: string, options: EventRange = {}): Promise<readonly StoredEvent[]> {
    const { after, limit } = rangeOf(options);
    return unpackEvents(await this.#worker.call("readEntity", [entity, after, limit]));
  }

  async readEntities(
    entities: readonly EntityRead[],
  ): Promise<ReadonlyMap<string, readonly StoredEvent[]>> {
    checkEntityReads(entities);
    const limit = STORE_LIMITS.queryLimitMax;
    const packed = await this.#worker.call("readEntities", [entities, limit]);
    return Map.groupBy(unpackEvents(packed), ({ entity }) => entity);
  }

  lastEvent(): Promise<number> {
    return this.#worker.call("lastEvent", []);
  }

  async readEvents(options: EventRange = {}): Promise<readonly StoredEvent[]> {
    const { after, limit } = rangeOf(options);
    return unpackEvents(await this.#worker.call("readEvents", [after, limit]));
  }

  readProgress(
    consumer: string,
    input: string,
    { epoch }: { readonly epoch?: number } = {},
  ): Promise<InputProgress> {
    if (epoch === undefined) return this.#worker.call("readProgress", [consumer, input]);
    return this.#worker.call("takeOver", [consumer, input, epoch]);
  }

  async seenIds(
    consumer: string,
    input: string,
    ids: readonly string[],
  ): Promise<ReadonlySet<string>> {
    this.#worker.refuseIfClosed();
    const name = JSON.stringify([consumer, input]);
    const known = this.#seenFilters.get(name);
    const possible =
      known === undefined || known.retired ? ids : ids.filter((id) => known.mayHold(id));
    if (possible.length === 0) return new Set();
    const { seen, filter } = await this.#worker.call("seenIds", [consumer, input, possible]);
    if (filter !== undefined) this.#seenFilters.set(name, new SeenFilter(filter));
    return new Set(seen);
  }

  seek(
    consumer: string,
    input: string,
    { position, log }: { readonly position: number; readonly log: string },
  ): Promise<void> {
    return this.#worker.call("seek", [consumer, input, position, log]);
  }

  listProgress(): ReturnType<Store["listProgress"]> {
    return this.#worker.call("listProgress", []);
  }

  forgetConsumer(consumer: string): Promise<void> {
    return this.#worker.call("forgetConsumer", [consumer]);
  }

  async dueTimers(consumer: string, options: DueFilter): Promise<readonly StoredTimer[]> {
    return unpackTimers(await this.#worker.call("dueTimers", [consumer, options]));
  }

  nextTimerMs(consumer: string): Promise<number | undefined> {
    return this.#worker.call("nextTimerMs", [consumer]);
  }

  async listTimers(consumer: string, options: TimerFilter = {}): Promise<readonly StoredTimer[]> {
    return unpackTimers(await this.#worker.call("listTimers", [consumer, options]));
  }

  async readEffects(
    consumer: string,
    messages: readonly string[],
  ): Promise<ReadonlyMap<string, readonly StoredEffect[]>> {
    const effects = await this.#worker.call("readEffects", [consumer, messages]);
    return Map.groupBy(effects, ({ message }) => message);
  }

  trimEffects(beforeMs: number, limit: number = STORE_LIMITS.trimLimit): Promise<number> {
    return this.#worker.call("trimEffects", [beforeMs, limit]);
  }

  pendingLanes(): Promise<readonly string[]> {
    return this.#worker.call("pendingLanes", []);
  }

  pendingOutbox(): Promise<readonly PendingLane[]> {
    return this.#worker.call("pendingOutbox", []);
  }

  leaseLane(lane: string, owner: string, leaseMs: number): Promise<boolean> {
    return this.#worker.call("leaseLane", [lane, owner, this.#clock.now(), leaseMs]);
  }

  async readOutbox(lane: string, limit: number): Promise<readonly OutboxRow[]> {
    return unpackOutbox(lane, this.epoch, await this.#worker.call("readOutbox", [lane, limit]));
  }

  trimOutbox(lane: string, owner: string, sequence: number): Promise<void> {
    return this.#worker.call("trimOutbox", [lane, owner, sequence]);
  }

  async parkedKeys(consumer: string, input: string): Promise<ReadonlyMap<string, number>> {
    return new Map(await this.#worker.call("parkedKeys", [consumer, input]));
  }

  async listParked(options: ParkedFilter = {}): Promise<readonly ParkedMessage[]> {
    return unpackParked(await this.#worker.call("listParked", [options]));
  }

  redriveParked(rows: readonly number[] | "all"): Promise<number> {
    return this.#worker.call("redriveParked", [rows]);
  }

  redriveDue(
    consumer: string,
    input: string,
    nowMs: number,
  ): Promise<{ readonly count: number; readonly nextMs?: number }> {
    return this.#worker.call("redriveDue", [consumer, input, nowMs]);
  }

  discardParked(rows: readonly number[]): Promise<number> {
    return this.#worker.call("discardParked", [rows]);
  }

  close(): Promise<void> {
    return this.#worker.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function unpackDocuments({ ids, versions, jsons }: PackedDocuments): StoredDocument[] {
  return ids.map((id, index) => ({ id, version: versions[index]!, json: jsons[index]! }));
}

/** Throws BAD_ARGUMENT for what is no count. */
function rangeOf({ after = 0, limit = 1000 }: EventRange): { after: number; limit: number } {
  if (!Number.isInteger(after) || !Number.isInteger(limit) || after < 0 || limit < 0) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `after ${after} and limit ${limit} must be whole numbers, not negative`,
    );
  }
  return { after, limit };
}

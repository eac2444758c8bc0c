/**
 * The store inside the worker: synchronous, on one database, knowing nothing of threads. Operations
 * that write run within a transaction of their caller; after a rollback everything read before it is
 * forgotten.
 */

import { assert } from "../../model/assert.ts";
import type { IdWindow } from "../../store/limits.ts";
import { planBatch } from "../../store/batch-plan.ts";
import type { StoredVersions } from "../../store/batch-plan.ts";
import type { EntityRead } from "../../store/read-check.ts";
import type {
  CollectionSpec,
  DocumentQuery,
  InputProgress,
  StoredEffect,
  PendingLane,
} from "../../store/store.ts";
import { timersLease } from "../../store/timers-lease.ts";
import type { BatchOutcome, SetOutcome } from "../../store/write-set.ts";
import { integerOf } from "./database.ts";
import type { Database } from "./database.ts";
import { DocumentTable } from "./tables/documents.ts";
import type { PackedDocuments } from "./tables/documents.ts";
import { EffectTable } from "./tables/effects.ts";
import { EventTable } from "./tables/events.ts";
import type { PackedEvents } from "./tables/events.ts";
import { InputTable } from "./tables/inputs.ts";
import type { SeenAnswer } from "./tables/inputs.ts";
import { OutboxTable } from "./tables/outbox.ts";
import type { PackedOutboxRow } from "./tables/outbox.ts";
import { ParkingTable } from "./tables/parking.ts";
import type { PackedParked, ParkedFilter } from "./tables/parking.ts";
import { TimerTable } from "./tables/timers.ts";
import type { DueFilter, PackedTimer, TimerFilter } from "./tables/timers.ts";
import { decodeBatch } from "./wire/batches.ts";
import type { EncodedEvents } from "./wire/batches.ts";

/** A `BatchOutcome` that names only the sets that were not applied, by their index. */
export interface PackedOutcome extends Omit<BatchOutcome, "sets"> {
  readonly leftOut: readonly (readonly [index: number, outcome: SetOutcome])[];
}

export class Engine {
  readonly #database: Database;
  readonly #documents: DocumentTable;
  readonly #events: EventTable;
  readonly #inputs: InputTable;
  readonly #outbox: OutboxTable;
  readonly #parking: ParkingTable;
  readonly #timers: TimerTable;
  readonly #effects: EffectTable;
  readonly #versions: StoredVersions;

  constructor(database: Database, idWindow: IdWindow) {
    const documents = new DocumentTable(database);
    const events = new EventTable(database);
    const parking = new ParkingTable(database);
    const timers = new TimerTable(database);
    this.#database = database;
    this.#documents = documents;
    this.#events = events;
    this.#inputs = new InputTable(database, idWindow);
    this.#outbox = new OutboxTable(database);
    this.#parking = parking;
    this.#timers = timers;
    this.#effects = new EffectTable(database);
    this.#versions = {
      document: (collection, id) => documents.version(collection, id),
      entityCount: (entity) => events.countOf(entity),
      hasParked: (row) => parking.has(row),
      timerId: (timer) => timers.idOf(timer),
    };
  }

  /** To be called after every rollback. */
  forget(): void {
    for (const table of [this.#documents, this.#events, this.#inputs, this.#outbox]) table.forget();
  }

  bytes(): number {
    return this.#database.bytes();
  }

  epoch(): number {
    return integerOf(this.#database.row("SELECT epoch FROM store"), "epoch");
  }

  ensureCollections(collections: readonly CollectionSpec[]): void {
    for (const spec of collections) this.#documents.ensure(spec);
  }

  dropCollection(collection: string): void {
    this.#documents.drop(collection);
  }

  apply(bytes: Uint8Array, nowMs: number): PackedOutcome {
    const { input: from, lane, sets } = decodeBatch(bytes);
    const input = from === undefined ? undefined : this.#inputs.enter(from);
    const plan = planBatch(
      sets,
      this.#versions,
      from === undefined || input === undefined ? undefined : { input: from, state: input },
    );
    for (const set of plan.applied) {
      this.#documents.write(set.documents);
      for (const { timer, id } of set.finishes) {
        if (timer !== undefined) this.#timers.settle(timer, id);
      }
      for (const timer of set.timers) this.#timers.write(timer);
      for (const effect of set.effects) this.#effects.record(effect);
      for (const row of set.unpark) this.#parking.unpark(row);
      for (const row of set.repark) this.#parking.repark(row);
      for (const parked of set.park) {
        assert(from !== undefined, "a batch that parks messages names their input");
        this.#parking.park(from, parked, nowMs);
      }
    }
    const events = this.#append(plan.applied.flatMap((set) => set.events));
    if (from !== undefined && input !== undefined && plan.inbox !== undefined) {
      this.#inputs.keep(input, from, plan.inbox, nowMs);
    }
    const outgoing = plan.applied.map((set) => set.outgoing);
    return {
      leftOut: [...plan.outcomes.entries()].filter(([, { status }]) => status !== "applied"),
      ...(input?.log === undefined ? {} : { position: input.progress.position }),
      ...(lane === undefined ? {} : { sequences: this.#outbox.add(lane, outgoing) }),
      ...events,
    };
  }

  getDocuments(collection: string, ids: readonly string[]): PackedDocuments {
    return this.#documents.get(collection, ids);
  }

  findDocuments(collection: string, query: DocumentQuery): PackedDocuments {
    return this.#documents.find(collection, query);
  }

  countDocuments(collection: string): number {
    return this.#documents.count(collection);
  }

  readEntity(entity: string, after: number, limit: number): PackedEvents {
    return this.#events.readEntity(entity, after, limit);
  }

  readEntities(reads: readonly EntityRead[], limit: number): PackedEvents {
    return this.#events.readEntities(reads, limit);
  }

  lastEvent(): number {
    return this.#events.last();
  }

  readEvents(after: number, limit: number): PackedEvents {
    return this.#events.readAll(after, limit);
  }

  readProgress(consumer: string, input: string): InputProgress {
    return this.#inputs.read(consumer, input, undefined);
  }

  takeOver(consumer: string, input: string, epoch: number): InputProgress {
    return this.#inputs.read(consumer, input, epoch);
  }

  seenIds(consumer: string, input: string, ids: readonly string[]): SeenAnswer {
    return this.#inputs.seenAmong(consumer, input, ids);
  }

  seek(consumer: string, input: string, position: number, log: string): void {
    this.#inputs.seek(consumer, input, position, log);
  }

  listProgress(): { consumer: string; input: string; position: number; log: string }[] {
    return this.#inputs.list();
  }

  forgetConsumer(consumer: string): void {
    for (const table of [this.#inputs, this.#timers, this.#effects, this.#parking]) {
      table.forgetConsumer(consumer);
    }
    this.#outbox.forgetLease(timersLease(consumer));
  }

  dueTimers(consumer: string, filter: DueFilter): PackedTimer[] {
    return this.#timers.due(consumer, filter);
  }

  nextTimerMs(consumer: string): number | undefined {
    return this.#timers.nextMs(consumer);
  }

  listTimers(consumer: string, filter: TimerFilter): PackedTimer[] {
    return this.#timers.list(consumer, filter);
  }

  readEffects(consumer: string, messages: readonly string[]): StoredEffect[] {
    return this.#effects.read(consumer, messages);
  }

  trimEffects(beforeMs: number, limit: number): number {
    return this.#effects.trim(beforeMs, limit);
  }

  pendingLanes(): string[] {
    return this.#outbox.pending();
  }

  pendingOutbox(): PendingLane[] {
    return this.#outbox.extents();
  }

  leaseLane(lane: string, owner: string, nowMs: number, leaseMs: number): boolean {
    return this.#outbox.lease(lane, owner, nowMs, leaseMs);
  }

  readOutbox(lane: string, limit: number): PackedOutboxRow[] {
    return this.#outbox.read(lane, limit);
  }

  trimOutbox(lane: string, owner: string, sequence: number): void {
    this.#outbox.trim(lane, owner, sequence);
  }

  parkedKeys(consumer: string, input: string): [key: string, rows: number][] {
    return this.#parking.keys(consumer, input);
  }

  listParked(filter: ParkedFilter): PackedParked[] {
    return this.#parking.list(filter);
  }

  redriveParked(rows: readonly number[] | "all"): number {
    return this.#parking.redrive(rows);
  }

  redriveDue(
    consumer: string,
    input: string,
    nowMs: number,
  ): { readonly count: number; readonly nextMs?: number } {
    return this.#parking.redriveDue(consumer, input, nowMs);
  }

  discardParked(rows: readonly number[]): number {
    return this.#parking.discard(rows);
  }

  #append(events: readonly EncodedEvents[]): Pick<BatchOutcome, "events"> {
    if (events.length === 0) return {};
    const from = this.#events.last() + 1;
    this.#events.append(events);
    const to = this.#events.last() + 1;
    return from === to ? {} : { events: { from, to } };
  }
}

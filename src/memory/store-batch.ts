/**
 * One batch on a store in memory. First it is decided which sets apply, each seeing the ones before
 * it; only when nothing can be refused any more is anything written.
 */

import { assert } from "../model/assert.ts";
import { checkBatch } from "../store/batch-check.ts";
import { BatchInbox } from "../store/batch-inbox.ts";
import type {
  Batch,
  BatchOutcome,
  DocumentWrite,
  SetOutcome,
  WriteSet,
} from "../store/write-set.ts";
import type { MemoryDocuments } from "./store-documents.ts";
import type { MemoryEvents } from "./store-events.ts";
import type { MemoryInputs } from "./store-inputs.ts";
import type { MemoryOutbox } from "./store-outbox.ts";
import type { MemoryParking } from "./store-parking.ts";

/** What a store in memory holds. */
export interface Contents {
  readonly documents: MemoryDocuments;
  readonly events: MemoryEvents;
  readonly inputs: MemoryInputs;
  readonly outbox: MemoryOutbox;
  readonly parking: MemoryParking;
  /** Whether a store of this service is open. */
  open: boolean;
}

export function applyBatch(contents: Contents, batch: Batch, nowMs: number): BatchOutcome {
  checkBatch(batch);
  const input = batch.input === undefined ? undefined : contents.inputs.enter(batch.input);
  const inbox = input === undefined ? undefined : new BatchInbox(input);
  inbox?.keepOpen(batch.input?.unfinished ?? []);
  const plan = new Plan(contents);
  const sets = batch.sets.map((set) => decide(set, plan, inbox));
  const change = inbox?.change(batch.input?.gaps);

  const applied = batch.sets.filter((_, index) => sets[index]?.status === "applied");
  for (const set of applied) write(contents, batch, set, nowMs);
  const outgoing = applied.flatMap((set) => set.outgoing ?? []);
  if (input !== undefined && change !== undefined) {
    contents.inputs.keep(input, change, batch.input?.log, nowMs);
  }
  return {
    sets,
    ...(input?.log === undefined ? {} : { position: input.progress.position }),
    ...(batch.lane === undefined ? {} : { sequences: contents.outbox.add(batch.lane, outgoing) }),
  };
}

function decide(set: WriteSet, plan: Plan, inbox: BatchInbox | undefined): SetOutcome {
  const repeats = inbox?.repeatsOf(set) ?? [];
  const what = repeats.length > 0 ? undefined : plan.conflictOf(set);
  if (repeats.length === 0 && what === undefined) {
    plan.take(set);
    inbox?.finish(set.finishes);
    return { key: set.key, status: "applied" };
  }
  inbox?.finish(repeats);
  inbox?.keepOpen(set.finishes.filter((incoming) => !repeats.includes(incoming)));
  if (what !== undefined) return { key: set.key, status: "conflict", what };
  return { key: set.key, status: "duplicate", settled: repeats.map(({ id }) => id) };
}

function write(contents: Contents, batch: Batch, set: WriteSet, nowMs: number): void {
  for (const document of set.documents ?? []) contents.documents.write(document);
  for (const events of set.events ?? []) contents.events.append(events);
  for (const row of set.unpark ?? []) contents.parking.unpark(row);
  for (const row of set.repark ?? []) contents.parking.repark(row);
  for (const parked of set.park ?? []) {
    assert(batch.input !== undefined, "a batch that parks messages names their input");
    contents.parking.park(batch.input, parked, nowMs);
  }
}

/** Versions as they will be after the sets taken so far. */
class Plan {
  readonly #contents: Contents;
  readonly #documents = new Map<string, { readonly version: number; readonly live: boolean }>();
  readonly #entities = new Map<string, number>();
  readonly #unparked = new Set<number>();

  constructor(contents: Contents) {
    this.#contents = contents;
  }

  /** What stands against the set, or undefined. */
  conflictOf(set: WriteSet): string | undefined {
    for (const write of set.documents ?? []) {
      const version = this.#versionOf(write);
      if (version !== write.expected) {
        return `document ${write.id} of ${write.collection} has version ${version}, not ${write.expected}`;
      }
    }
    for (const { entity, expected } of set.events ?? []) {
      const count = this.#entities.get(entity) ?? this.#contents.events.countOf(entity);
      if (count !== expected) return `entity ${entity} has ${count} events, not ${expected}`;
    }
    const rows = [...(set.unpark ?? []), ...(set.repark ?? []).map(({ row }) => row)];
    const gone = rows.find((row) => this.#unparked.has(row) || !this.#contents.parking.has(row));
    return gone === undefined ? undefined : `parked row ${gone} is gone`;
  }

  take(set: WriteSet): void {
    for (const write of set.documents ?? []) {
      const live = write.json !== null;
      if (!live && write.expected === 0) continue;
      const planned = this.#documents.get(documentKey(write));
      const version = (planned?.version ?? this.#contents.documents.lastVersionOf(write)) + 1;
      this.#documents.set(documentKey(write), { version, live });
    }
    for (const { entity, expected, events } of set.events ?? []) {
      this.#entities.set(entity, expected + events.length);
    }
    for (const row of set.unpark ?? []) this.#unparked.add(row);
  }

  #versionOf(write: DocumentWrite): number {
    const planned = this.#documents.get(documentKey(write));
    if (planned === undefined) return this.#contents.documents.versionOf(write);
    return planned.live ? planned.version : 0;
  }
}

function documentKey({ collection, id }: DocumentWrite): string {
  return JSON.stringify([collection, id]);
}

/** One batch on a store in memory: planned first, then written where nothing can fail any more. */

import { assert } from "../model/assert.ts";
import { checkBatch } from "../store/batch-check.ts";
import { planBatch } from "../store/batch-plan.ts";
import type { StoredVersions } from "../store/batch-plan.ts";
import type { Batch, BatchOutcome, WriteSet } from "../store/write-set.ts";
import type { MemoryDocuments } from "./store-documents.ts";
import type { MemoryEffects } from "./store-effects.ts";
import type { MemoryEvents } from "./store-events.ts";
import type { MemoryInputs } from "./store-inputs.ts";
import type { MemoryOutbox } from "./store-outbox.ts";
import type { MemoryParking } from "./store-parking.ts";
import type { MemoryTimers } from "./store-timers.ts";

/** What a store in memory holds. */
export interface Contents {
  readonly epoch: number;
  readonly documents: MemoryDocuments;
  readonly events: MemoryEvents;
  readonly inputs: MemoryInputs;
  readonly outbox: MemoryOutbox;
  readonly parking: MemoryParking;
  readonly timers: MemoryTimers;
  readonly effects: MemoryEffects;
  /** Whether a store of this service is open. */
  open: boolean;
}

export function applyBatch(contents: Contents, batch: Batch, nowMs: number): BatchOutcome {
  checkBatch(batch);
  const from = batch.input;
  const input = from === undefined ? undefined : contents.inputs.enter(from);
  const plan = planBatch(
    batch.sets,
    versionsOf(contents),
    from === undefined || input === undefined ? undefined : { input: from, state: input },
  );
  const firstEvent = contents.events.last + 1;
  for (const set of plan.applied) write(contents, batch, set, nowMs);
  const eventsEnd = contents.events.last + 1;
  const outgoing = plan.applied.flatMap((set) => set.outgoing ?? []);
  if (input !== undefined && plan.inbox !== undefined) {
    contents.inputs.keep(input, plan.inbox, from?.log, nowMs);
  }
  return {
    sets: plan.outcomes,
    ...(input?.log === undefined ? {} : { position: input.progress.position }),
    ...(batch.lane === undefined ? {} : { sequences: contents.outbox.add(batch.lane, outgoing) }),
    ...(firstEvent === eventsEnd ? {} : { events: { from: firstEvent, to: eventsEnd } }),
  };
}

function write(contents: Contents, batch: Batch, set: WriteSet, nowMs: number): void {
  for (const document of set.documents ?? []) contents.documents.write(document);
  for (const events of set.events ?? []) contents.events.append(events);
  for (const { timer, id } of set.finishes) {
    if (timer !== undefined) contents.timers.settle(timer, id);
  }
  for (const timer of set.timers ?? []) contents.timers.write(timer);
  for (const effect of set.effects ?? []) contents.effects.record(effect);
  for (const row of set.unpark ?? []) contents.parking.unpark(row);
  for (const row of set.repark ?? []) contents.parking.repark(row);
  for (const parked of set.park ?? []) {
    assert(batch.input !== undefined, "a batch that parks messages names their input");
    contents.parking.park(batch.input, parked, nowMs);
  }
}

function versionsOf({ documents, events, parking, timers }: Contents): StoredVersions {
  return {
    document: (collection, id) => documents.versionOf(collection, id),
    entityCount: (entity) => events.countOf(entity),
    hasParked: (row) => parking.has(row),
    timerId: (timer) => timers.idOf(timer),
  };
}

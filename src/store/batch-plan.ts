/**
 * Decides which sets of a batch apply, before anything is written: then a batch that must be refused
 * as a whole has touched nothing, and no store needs to undo a half of a set. Pure; every store asks
 * it, with its own view of what is stored.
 */

import { BatchInbox } from "./batch-inbox.ts";
import type { InboxChange, InboxState, SettlingSet } from "./batch-inbox.ts";
import { TimersAhead } from "./timers-ahead.ts";
import type { PlannedTimer } from "./timers-ahead.ts";
import type { BatchInput, SetOutcome, TimerRef } from "./write-set.ts";

/** What stands in the store now. */
export interface StoredVersions {
  /** `version` counts deletions too, and `live` says whether there is a document now. */
  document(collection: string, id: string): DocumentVersion;
  entityCount(entity: string): number;
  hasParked(row: number): boolean;
  /** The id of the timer that has this name now. */
  timerId(timer: TimerRef): string | undefined;
}

export interface DocumentVersion {
  readonly version: number;
  readonly live: boolean;
}

/** A write set, as far as the plan looks at it: a store may carry its messages in a form of its own. */
export interface PlannedSet extends SettlingSet {
  readonly documents?: readonly {
    readonly collection: string;
    readonly id: string;
    readonly expected: number;
    readonly json: string | null;
  }[];
  readonly events?: readonly {
    readonly entity: string;
    readonly expected: number;
    readonly events: { readonly length: number };
  }[];
  readonly timers?: readonly PlannedTimer[];
  readonly unpark?: readonly number[];
  readonly repark?: readonly { readonly row: number }[];
}

export interface BatchPlan<Set extends PlannedSet> {
  readonly outcomes: readonly SetOutcome[];
  readonly applied: readonly Set[];
  /** Undefined for a batch without an input. */
  readonly inbox: InboxChange | undefined;
}

/** Throws TOO_LARGE where too much of the input would stay open. */
export function planBatch<Set extends PlannedSet>(
  sets: readonly Set[],
  stored: StoredVersions,
  from: { readonly input: BatchInput; readonly state: InboxState } | undefined,
): BatchPlan<Set> {
  const timers = new TimersAhead((timer) => stored.timerId(timer));
  const inbox = from === undefined ? undefined : new BatchInbox(from.state, timers);
  inbox?.keepOpen(from?.input.unfinished ?? []);
  const ahead: Ahead = { versions: new VersionsAhead(stored), timers, inbox };
  const outcomes = sets.map((set) => decide(set, ahead));
  return {
    outcomes,
    applied: sets.filter((_, index) => outcomes[index]?.status === "applied"),
    inbox: inbox?.change(from?.input.gaps),
  };
}

/** The store as it will be after the sets taken so far. */
interface Ahead {
  readonly versions: VersionsAhead;
  readonly timers: TimersAhead;
  readonly inbox: BatchInbox | undefined;
}

function decide(set: PlannedSet, { versions, timers, inbox }: Ahead): SetOutcome {
  const repeats = inbox?.repeatsOf(set) ?? [];
  const what = repeats.length > 0 ? undefined : versions.conflictOf(set);
  if (repeats.length === 0 && what === undefined) {
    versions.take(set);
    inbox?.finish(set.finishes);
    timers.change(set.timers ?? []);
    return { key: set.key, status: "applied" };
  }
  inbox?.finish(repeats);
  inbox?.keepOpen(set.finishes.filter((incoming) => !repeats.includes(incoming)));
  if (what !== undefined) return { key: set.key, status: "conflict", what };
  return { key: set.key, status: "duplicate", settled: repeats.map(({ id }) => id) };
}

/** Versions as they will be after the sets taken so far. */
class VersionsAhead {
  readonly #stored: StoredVersions;
  /** By collection, then id. */
  readonly #documents = new Map<string, Map<string, DocumentVersion>>();
  readonly #entities = new Map<string, number>();
  readonly #unparked = new Set<number>();

  constructor(stored: StoredVersions) {
    this.#stored = stored;
  }

  /** What stands against the set, or undefined. */
  conflictOf(set: PlannedSet): string | undefined {
    for (const { collection, id, expected } of set.documents ?? []) {
      const { version, live } = this.#document(collection, id);
      const found = live ? version : 0;
      if (found !== expected) {
        return `document ${id} of ${collection} has version ${found}, not ${expected}`;
      }
    }
    for (const { entity, expected } of set.events ?? []) {
      const count = this.#entities.get(entity) ?? this.#stored.entityCount(entity);
      if (count !== expected) return `entity ${entity} has ${count} events, not ${expected}`;
    }
    const rows = [...(set.unpark ?? []), ...(set.repark ?? []).map(({ row }) => row)];
    const gone = rows.find((row) => this.#unparked.has(row) || !this.#stored.hasParked(row));
    return gone === undefined ? undefined : `parked row ${gone} is gone`;
  }

  take(set: PlannedSet): void {
    for (const { collection, id, expected, json } of set.documents ?? []) {
      // Deleting what is not there writes nothing.
      if (json === null && expected === 0) continue;
      const version = this.#document(collection, id).version + 1;
      this.#documents.get(collection)?.set(id, { version, live: json !== null });
    }
    for (const { entity, expected, events } of set.events ?? []) {
      this.#entities.set(entity, expected + events.length);
    }
    for (const row of set.unpark ?? []) this.#unparked.add(row);
  }

  #document(collection: string, id: string): DocumentVersion {
    let ofCollection = this.#documents.get(collection);
    if (ofCollection === undefined) {
      ofCollection = new Map();
      this.#documents.set(collection, ofCollection);
    }
    let found = ofCollection.get(id);
    if (found === undefined) {
      found = this.#stored.document(collection, id);
      ofCollection.set(id, found);
    }
    return found;
  }
}

/**
 * Which generations a view has, and which of them answers.
 *
 * A **generation** is one set of a view's documents with the progress of the part that folds them: the
 * first of a version is `v2`, those that a rebuild made after it are `v2.r1`, `v2.r2`. Each is
 *
 * - **live**: it answers reads. There is exactly one, from the first start on;
 * - **building**: it is folded beside the live one, to take over when it has caught up;
 * - **old**: it answered before, or its building was left; nobody folds it, and it stays as it is;
 * - **dropping**: it will never answer again, and what it holds is being removed.
 *
 * The record is one document, so a swap is one conditional write: readers see the one or the other,
 * and after a kill at any point the record tells what is to be gone on with. Only generations of the
 * version that the running code declares can be folded; others wait for their code.
 *
 * All functions here are pure: they return the next record, or the same one where nothing changes.
 */

import { assert } from "../../model/assert.ts";
import { MillraceError } from "../../model/errors.ts";
import type { CollectionSpec } from "../../store/store.ts";

export const VIEWS: CollectionSpec = { name: "millrace.views", index: [] };

/** Names a generation within its view. */
export interface GenerationRef {
  readonly version: number;
  /** 0 for the first of the version. */
  readonly number: number;
}

export interface Generation extends GenerationRef {
  readonly state: "live" | "building" | "old" | "dropping";
  /** It has answered reads before, so it may do so at once when its code comes back. */
  readonly answered: boolean;
  /** A person has stopped its building. */
  readonly paused: boolean;
}

export interface ViewRecord {
  /** Oldest first. */
  readonly generations: readonly Generation[];
  /** The highest number given so far, by version: numbers are never used again. */
  readonly numbers: Readonly<Record<string, number>>;
}

export const NO_VIEW: ViewRecord = { generations: [], numbers: {} };

/** `v2`, or `v2.r1` after a rebuild. */
export function generationName({ version, number }: GenerationRef): string {
  return number === 0 ? `v${version}` : `v${version}.r${number}`;
}

/** Where a generation keeps its documents: `view.totals.v2.r1`. */
export function viewCollection(view: string, generation: GenerationRef): string {
  return `view.${view}.${generationName(generation)}`;
}

/**
 * The name of a generation's progress and groups: `totals.v2.r1`. The first generation of version 1
 * has the view's plain name, under which stores from before there were generations keep it.
 */
export function viewConsumer(view: string, generation: GenerationRef): string {
  const first = generation.version === 1 && generation.number === 0;
  return first ? view : `${view}.${generationName(generation)}`;
}

export function liveOf({ generations }: ViewRecord): Generation {
  const live = generations.find(({ state }) => state === "live");
  assert(live !== undefined, "a view that was begun has a live generation");
  return live;
}

/** The generation that code of this version is building. */
export function buildingOf({ generations }: ViewRecord, version: number): Generation | undefined {
  return generations.find((each) => each.state === "building" && each.version === version);
}

/**
 * The record of a view that has none yet: the newest of the versions whose progress was found answers,
 * or where none was, the one that the code declares.
 */
export function firstRecord(version: number, found: readonly number[]): ViewRecord {
  const versions = found.length === 0 ? [version] : [...new Set(found)].toSorted((a, b) => a - b);
  return versions.reduce(
    (next, each) => withNew(next, each, each === versions.at(-1) ? "live" : "old", true),
    NO_VIEW,
  );
}

/**
 * Code of this version begins to run.
 *
 * A new version is built beside the live one, going on where an earlier try was left. Going back to
 * older code makes what that had built answer again at once: it cannot read what is newer.
 */
export function beginVersion(record: ViewRecord, version: number): ViewRecord {
  const left = update(
    record,
    (each) => each.state === "building" && each.version !== version,
    (each) => ({ ...each, state: "old" }),
  );
  const live = liveOf(left);
  if (live.version === version || buildingOf(left, version) !== undefined) return left;
  const own = left.generations.filter(
    (each) => each.version === version && each.state !== "dropping",
  );
  const answered = own.findLast((each) => each.answered);
  if (version < live.version && answered !== undefined) return swapTo(left, answered);
  const last = answered ?? own.at(-1);
  return last === undefined ? withNew(left, version, "building", false) : buildOn(left, last);
}

/** A further generation of the version. Throws CONFLICT while one is built. */
export function rebuild(record: ViewRecord, version: number): ViewRecord {
  const building = buildingOf(record, version);
  if (building === undefined) return withNew(record, version, "building", false);
  throw new MillraceError(
    "CONFLICT",
    `${generationName(building)} is being built already; wait for it, or drop it`,
  );
}

/** An old generation is folded on, to take over again. */
export function buildOn(record: ViewRecord, generation: GenerationRef): ViewRecord {
  return update(
    record,
    (each) => isSame(each, generation),
    (each) => ({ ...each, state: "building", paused: false }),
  );
}

/** The generation answers from now on; the one that did is old. */
export function swapTo(record: ViewRecord, generation: GenerationRef): ViewRecord {
  const without = update(
    record,
    ({ state }) => state === "live",
    (each) => ({ ...each, state: "old" }),
  );
  return update(
    without,
    (each) => isSame(each, generation),
    (each) => ({ ...each, state: "live", answered: true, paused: false }),
  );
}

/** Throws NOT_ALLOWED for the one that answers. */
export function drop(record: ViewRecord, generation: Generation): ViewRecord {
  if (generation.state === "live") {
    throw new MillraceError(
      "NOT_ALLOWED",
      `${generationName(generation)} answers reads; let another one take over before it is dropped`,
    );
  }
  return update(
    record,
    (each) => isSame(each, generation),
    (each) => ({ ...each, state: "dropping", paused: false }),
  );
}

/** What a dropped generation held is gone. */
export function dropped(record: ViewRecord, generation: GenerationRef): ViewRecord {
  const generations = record.generations.filter((each) => !isSame(each, generation));
  return { ...record, generations };
}

export function pauseBuilding(
  record: ViewRecord,
  generation: GenerationRef,
  paused: boolean,
): ViewRecord {
  return update(
    record,
    (each) => isSame(each, generation),
    (each) => ({ ...each, paused }),
  );
}

/**
 * The generation that a person names: a version (its newest generation), or `v2.r1`. Throws
 * BAD_ARGUMENT, naming those that there are.
 */
export function namedGeneration(record: ViewRecord, name: number | string): Generation {
  const found = record.generations.findLast(
    (each) => each.state !== "dropping" && (each.version === name || generationName(each) === name),
  );
  if (found !== undefined) return found;
  throw new MillraceError(
    "BAD_ARGUMENT",
    `there is no generation ${JSON.stringify(name)}; there are ${record.generations.map(generationName).join(", ")}`,
  );
}

export function isSame(a: GenerationRef, b: GenerationRef): boolean {
  return a.version === b.version && a.number === b.number;
}

function withNew(
  record: ViewRecord,
  version: number,
  state: Generation["state"],
  answered: boolean,
): ViewRecord {
  const number = (record.numbers[version] ?? -1) + 1;
  const generation = { version, number, state, answered, paused: false };
  return {
    generations: [...record.generations, generation],
    numbers: { ...record.numbers, [version]: number },
  };
}

function update(
  record: ViewRecord,
  which: (generation: Generation) => boolean,
  change: (generation: Generation) => Generation,
): ViewRecord {
  if (!record.generations.some(which)) return record;
  return {
    ...record,
    generations: record.generations.map((each) => (which(each) ? change(each) : each)),
  };
}

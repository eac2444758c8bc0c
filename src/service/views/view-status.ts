/** The generations of views as tools see them. */

import { isMillraceError } from "../../model/errors.ts";
import type { Store } from "../../store/store.ts";
import { progressOf } from "./part-ends.ts";
import type { ViewKeeper } from "./view-keeper.ts";
import { generationName, isSame, viewCollection, type Generation } from "./view-record.ts";

export interface GenerationStatus {
  /** `v2`, or `v2.r1` after a rebuild: its name in `swapView` and `dropView`. */
  readonly generation: string;
  readonly version: number;
  /**
   * `live` answers reads; `building` has not caught up; `ready` has, and waits for its swap; `old` is
   * folded no more and stays until it is dropped; `dropping` is being removed.
   */
  readonly state: "live" | "building" | "ready" | "old" | "dropping";
  readonly documents: number;
  /** A person has stopped its building. */
  readonly paused: boolean;
  /** Where it is folded here: messages finished, of those that its logs hold. */
  readonly done?: number;
  readonly total?: number;
  readonly parked?: number;
  /** Why it does not take over by itself. */
  readonly heldBy?: string;
}

export interface ViewStatus {
  readonly view: string;
  /** The version that the running code declares. */
  readonly version: number;
  readonly swap: "automatic" | "manual";
  /** Oldest first. */
  readonly generations: readonly GenerationStatus[];
}

/** Throws STORE_FAILED. */
export async function viewStatus(keeper: ViewKeeper, store: Store): Promise<ViewStatus> {
  const { view, versioning, record } = keeper;
  const { version, swap } = versioning;
  const generations = await Promise.all(
    record.generations.map((generation) => generationStatus(keeper, store, generation)),
  );
  return { view: view.name, version, swap, generations };
}

export async function generationStatus(
  keeper: ViewKeeper,
  store: Store,
  generation: Generation,
): Promise<GenerationStatus> {
  const { version, paused, state } = generation;
  const folded = keeper.folded.find((each) => isSame(each.generation, generation));
  const known = {
    generation: generationName(generation),
    version,
    paused,
    documents: await documentsOf(store, viewCollection(keeper.view.name, generation)),
  };
  if (folded === undefined) return { ...known, state };
  const { caughtUp, heldBy, parked } = folded;
  return {
    ...known,
    state: state === "building" && caughtUp ? "ready" : state,
    ...(await progressOf(folded.part)),
    parked,
    ...(state === "building" && heldBy !== undefined && { heldBy }),
  };
}

/**
 * A generation stands in the record before its collection is made, and after it is removed: a process
 * that was killed in between leaves one without, which other code than its own never makes.
 */
async function documentsOf(store: Store, collection: string): Promise<number> {
  try {
    return await store.countDocuments(collection);
  } catch (error) {
    if (isMillraceError(error, "BAD_ARGUMENT")) return 0;
    throw error;
  }
}

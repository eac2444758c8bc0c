/** The suites of the store port, for every implementation, ours or a stranger's. */

import { assert } from "../model/assert.ts";
import { runTopics, type Note, type TestFunction } from "./case.ts";
import type { StoreContext, StoreNeed, StorePlace, StoreTopic } from "./store-case.ts";
import { conditions } from "./stores/conditions.ts";
import { documents } from "./stores/documents.ts";
import { effects } from "./stores/effects.ts";
import { events } from "./stores/events.ts";
import { firings } from "./stores/firing.ts";
import { forgetting } from "./stores/forgetting.ts";
import { inbox } from "./stores/inbox.ts";
import { life } from "./stores/life.ts";
import { outbox } from "./stores/outbox.ts";
import { parking } from "./stores/parking.ts";
import { progress } from "./stores/progress.ts";
import { queries } from "./stores/queries.ts";
import { timers } from "./stores/timers.ts";

export const STORE_TOPICS: readonly StoreTopic[] = [
  conditions,
  documents,
  queries,
  events,
  progress,
  inbox,
  outbox,
  parking,
  timers,
  firings,
  effects,
  forgetting,
  life,
];

export interface StoreConformanceOptions {
  readonly test: TestFunction;
  /** Stands before every title. */
  readonly name: string;
  /** Opens a store on data of its own. Called once for each case, and once before all of them. */
  readonly open: () => Promise<StorePlace>;
  readonly topics?: readonly StoreTopic[];
}

/** Looks at the store's capabilities, then registers every case with the runner. */
export async function runStoreConformance(options: StoreConformanceOptions): Promise<void> {
  const { test, name, open, topics = STORE_TOPICS } = options;
  const { shared, faults } = await lookAt(open);
  const missing = (need: StoreNeed): string | undefined => {
    if (need === "exclusive") {
      return shared ? `${name} may be open in several processes` : undefined;
    }
    return faults.includes(need) ? undefined : `${name} cannot be put through a ${need} here`;
  };
  const prepare = async (note: Note) => {
    const place = await open();
    return {
      context: contextOf(place, note),
      [Symbol.asyncDispose]: () => place[Symbol.asyncDispose](),
    };
  };
  runTopics(test, { name, missing, prepare }, topics);
}

async function lookAt(
  open: () => Promise<StorePlace>,
): Promise<{ readonly shared: boolean; readonly faults: readonly string[] }> {
  await using place = await open();
  return { shared: place.store.capabilities.shared, faults: Object.keys(place.faults) };
}

function contextOf(place: StorePlace, note: Note): StoreContext {
  return {
    store: () => place.store,
    idWindow: place.idWindow,
    time: place.time,
    suffer: async (fault) => {
      const apply = place.faults[fault];
      assert(apply !== undefined, `the case names ${fault} among its needs`);
      await apply();
    },
    openBeside: place.openBeside,
    note,
  };
}

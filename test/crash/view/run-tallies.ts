/** The view at work in one of its versions, and what the store holds of it before anything runs. */

import { join } from "node:path";
import type { App } from "../../../src/host/app.ts";
import { isMillraceError } from "../../../src/model/errors.ts";
import { generationName, NO_VIEW, viewCollection } from "../../../src/service/views/view-record.ts";
import { readRecord } from "../../../src/service/views/view-records.ts";
import type { Store, StoreFactory } from "../../../src/store/store.ts";
import { sqlite } from "../../../src/stores/sqlite/sqlite.ts";
import type { Opened } from "../driver.ts";
import { openCrashApp } from "../open-app.ts";
import { type Checked, createTallies, type Tallies, VIEW } from "./tallies.ts";

export const COMPONENT = "view";

/** Documents of one generation, by account. */
export interface Shown {
  readonly generation: string;
  readonly live: boolean;
  readonly documents: readonly (readonly [account: string, document: Checked])[];
}

export interface RunningTallies {
  readonly app: App;
  readonly tallies: Tallies["tallies"];
}

/** `found` is told what every generation holds, before the app touches it. */
export async function runTallies(
  opened: Opened,
  version: number,
  found: (shown: Shown) => void,
): Promise<RunningTallies> {
  const { ledger, tallies } = createTallies(version);
  const inner = sqlite({ directory: join(opened.directory, "stores", COMPONENT) });
  const store: StoreFactory = {
    adapter: inner.adapter,
    open: async (options) => {
      const own = await inner.open(options);
      for (const shown of await readGenerations(own)) found(shown);
      return own;
    },
  };
  return { app: await openCrashApp(opened, COMPONENT, { services: [ledger], store }), tallies };
}

async function readGenerations(store: Store): Promise<readonly Shown[]> {
  const shown: Shown[] = [];
  const { record } = (await ifThere(readRecord(store, VIEW))) ?? { record: NO_VIEW };
  for (const each of record.generations) {
    // Half removed is what it may be.
    if (each.state === "dropping") continue;
    const page = await ifThere(store.findDocuments(viewCollection(VIEW, each), { limit: 1000 }));
    shown.push({
      generation: generationName(each),
      live: each.state === "live",
      documents: (page?.documents ?? []).map(({ id, json }) => [id, JSON.parse(json)]),
    });
  }
  return shown;
}

/** A life may have ended before it made the collection. */
async function ifThere<Found>(found: Promise<Found>): Promise<Found | undefined> {
  try {
    return await found;
  } catch (error) {
    if (isMillraceError(error, "BAD_ARGUMENT")) return undefined;
    throw error;
  }
}

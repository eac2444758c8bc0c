/** An app of one component, on the broker that all share and on stores of its own. */

import { join } from "node:path";
import { type App, openApp } from "../../src/host/app.ts";
import type { AppOptions } from "../../src/host/options.ts";
import { delay } from "../../src/model/clock.ts";
import type { Store } from "../../src/store/store.ts";
import { sqlite } from "../../src/stores/sqlite/sqlite.ts";
import { lent } from "./broker.ts";
import type { Opened } from "./driver.ts";

export function openCrashApp(
  { broker, directory, environment }: Opened,
  component: string,
  options: Pick<AppOptions, "services"> & Partial<AppOptions>,
): Promise<App> {
  return openApp({
    broker: lent(broker),
    namespace: component,
    store: sqlite({ directory: join(directory, "stores", component) }),
    log: environment.log,
    environment,
    ...options,
  });
}

const SETTLE_LIMIT_MS = 120_000;
const SETTLE_PAUSE_MS = 10;

/**
 * Lets everything come to rest, again and again until `done`: timers that are not yet due are no
 * unrest. False where it was not done within the limit.
 */
export async function restUntil(
  app: Pick<App, "settled" | "environment">,
  done: () => Promise<boolean>,
): Promise<boolean> {
  const limit = AbortSignal.timeout(SETTLE_LIMIT_MS);
  for (;;) {
    await app.settled(limit);
    if (await done()) return true;
    if (limit.aborted) return false;
    await delay(app.environment.clock, SETTLE_PAUSE_MS);
  }
}

/** Where nothing ever fails, nothing may be parked: what is, as texts. */
export async function parkedIn({ services }: Pick<App, "services">): Promise<readonly string[]> {
  const texts: string[] = [];
  for (const { service, store } of services) {
    for (const { consumer, key, cause } of await store.listParked({ limit: 10 })) {
      texts.push(
        `${consumer} of ${service.name} parked ${key}: ${cause?.message ?? "behind another"}`,
      );
    }
  }
  return texts;
}

const PAGE = 1000;

/** All of a collection, by id. */
export async function* documentsOf(
  store: Store,
  collection: string,
): AsyncGenerator<readonly [id: string, json: string]> {
  for (let after: string | undefined; ;) {
    const query = { limit: PAGE, ...(after !== undefined && { after }) };
    const page = await store.findDocuments(collection, query);
    for (const { id, json } of page.documents) yield [id, json];
    if (page.next === undefined) return;
    after = page.next;
  }
}

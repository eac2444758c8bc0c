/** Feeding the pulse service, and reading what it has counted: for whatever program runs it. */

import { setTimeout as sleep } from "node:timers/promises";
import type { App } from "millrace";
import { ActivityRecorded } from "./contract.ts";
import { readActivities } from "./feed.ts";
import { byActor, byRepository, byType, hotRepositories } from "./pulse.ts";

/** Publishes in file order, `rate` new events a second, to the signal or the end; returns how many were new. */
export async function feed(
  app: App,
  { rate, signal }: { readonly rate: number; readonly signal: AbortSignal },
): Promise<number> {
  let fresh = 0;
  const startedMs = performance.now();
  for (const activity of readActivities()) {
    if (signal.aborted) break;
    const { duplicate } = await app.publish(ActivityRecorded(activity), {
      id: activity.id,
      time: Date.parse(activity.created_at),
    });
    if (duplicate) continue;
    fresh++;
    const aheadMs = (fresh / rate) * 1000 - (performance.now() - startedMs);
    if (aheadMs > 0) await sleep(aheadMs, undefined, { signal }).catch(() => undefined);
  }
  return fresh;
}

export interface Totals {
  readonly events: number;
  readonly types: number;
  readonly line: string;
}

export async function totals(app: App): Promise<Totals> {
  const [types, repositories, actors, hot] = await Promise.all([
    app.find(byType, { order: "-count", limit: 1000 }),
    app.find(byRepository, { order: "-count", limit: 1 }),
    app.find(byActor, { order: "-count", limit: 1 }),
    app.find(hotRepositories, { limit: 1000 }),
  ]);
  const events = types.documents.reduce((sum, { data }) => sum + data.count, 0);
  const top = ({ documents: [first] }: typeof repositories): string =>
    first === undefined ? "-" : `${first.id} (${first.data.count})`;
  return {
    events,
    types: types.documents.length,
    line: [
      `${String(events).padStart(3)} events`,
      `${types.documents.length} types, most ${top(types)}`,
      `repository ${top(repositories)}`,
      `actor ${top(actors)}`,
      `${hot.documents.length} hot`,
    ].join(" | "),
  };
}

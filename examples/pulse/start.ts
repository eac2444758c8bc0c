/**
 * What `npm start` runs: the pulse service on an embedded broker, the HTTP door, and a feed that
 * publishes the file at `--rate` events a second. `--once` ends when everything is counted.
 *
 * Started again it publishes the whole file again. What the broker has already is recognised by its
 * id and costs no time, so the feed goes on where it was, whatever ended the process.
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { setTimeout as sleep } from "node:timers/promises";
import { openApp, type App } from "millrace";
import { embedded } from "millrace/embedded";
import { sqlite } from "millrace/sqlite";
import { ActivityRecorded } from "./contract.ts";
import { readActivities } from "./feed.ts";
import { byActor, byRepository, byType, hotRepositories, pulse } from "./pulse.ts";

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "100" },
    data: { type: "string", default: join(import.meta.dirname, ".millrace") },
    once: { type: "boolean", default: false },
  },
});
const rate = Number(values.rate);
if (!(rate > 0))
  throw new Error(`--rate ${values.rate} is not a number of events a second; try --rate 100`);

/** Publishes in file order, `rate` new events a second; returns how many were new. */
async function feed(app: App): Promise<number> {
  let fresh = 0;
  const startedMs = performance.now();
  for (const activity of readActivities()) {
    const { duplicate } = await app.publish(ActivityRecorded(activity), {
      id: activity.id,
      time: Date.parse(activity.created_at),
    });
    if (duplicate) continue;
    fresh++;
    const aheadMs = (fresh / rate) * 1000 - (performance.now() - startedMs);
    if (aheadMs > 0) await sleep(aheadMs);
  }
  return fresh;
}

interface Totals {
  readonly events: number;
  readonly types: number;
  readonly line: string;
}

async function totals(app: App): Promise<Totals> {
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

/** Prints the totals whenever they have changed, until the signal aborts. */
async function watch(app: App, signal: AbortSignal): Promise<void> {
  let shown = "";
  while (!signal.aborted) {
    const { line } = await totals(app);
    if (line !== shown) console.log(line);
    shown = line;
    await sleep(500, undefined, { signal }).catch(() => undefined);
  }
}

const app = await openApp({
  services: [pulse],
  broker: embedded({ directory: join(values.data, "broker") }),
  store: sqlite({ directory: join(values.data, "stores") }),
  http: {},
  log: { level: "warn" },
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void app.close());
}
const { url, token } = app.door!;
console.log(`door: ${url}  token: ${token}\n`);

const fed = new AbortController();
const watching = watch(app, fed.signal);
const fresh = await feed(app).finally(() => fed.abort());
await watching;
await app.settled();
const { events, line } = await totals(app);
console.log(
  `${line}\n\nall ${events} events counted; ${fresh} were new, the others were here already`,
);

if (values.once) {
  await app.close();
} else {
  console.log(`
Ask it, from another terminal:
  curl -H 'authorization: Bearer ${token}' '${url}/views/activity-by-repository?order=-count&limit=3'
  curl -H 'authorization: Bearer ${token}' '${url}/views/hot-repositories'
  curl -N -H 'authorization: Bearer ${token}' '${url}/streams/pulse-alerts/tail?from=start'
Stop with Ctrl-C, or kill it, and start it again: nothing is missing.`);
}

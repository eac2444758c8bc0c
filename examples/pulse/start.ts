/**
 * The pulse service alone: on an embedded broker, the HTTP door, and a feed that
 * publishes the file at `--rate` events a second. `--once` ends when everything is counted.
 *
 * Started again it publishes the whole file again. What the broker has already is recognised by its
 * id and costs no time, so the feed goes on where it was, whatever ended the process.
 */

import { once } from "node:events";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openApp } from "millrace";
import { embedded } from "millrace/embedded";
import { sqlite } from "millrace/sqlite";
import { positive, runMain, stopSignal, watch } from "../terminal.ts";
import { pulse } from "./pulse.ts";
import { feed, totals } from "./run.ts";

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "100" },
    data: { type: "string", default: join(import.meta.dirname, ".millrace") },
    once: { type: "boolean", default: false },
  },
});
const rate = positive("rate", values.rate);
const signal = stopSignal();

async function main(): Promise<void> {
  await using app = await openApp({
    services: [pulse],
    broker: embedded({ directory: join(values.data, "broker") }),
    store: sqlite({ directory: join(values.data, "stores") }),
    http: {},
    log: { level: "warn" },
  });
  const { url, token } = app.door!;
  console.log(`door: ${url}  token: ${token}\n`);

  const fed = new AbortController();
  const watching = watch(async () => [(await totals(app)).line], fed.signal);
  const fresh = await feed(app, { rate, signal }).finally(() => fed.abort());
  await watching;
  if (signal.aborted) return console.log("stopped; start it again and it goes on from here");

  await app.settled();
  const { events, line } = await totals(app);
  console.log(
    `${line}\n\nall ${events} events counted; ${fresh} were new, the others were here already`,
  );
  if (values.once) return;

  console.log(`
Ask it, from another terminal:
  curl -H 'authorization: Bearer ${token}' '${url}/views/activity-by-repository?order=-count&limit=3'
  curl -H 'authorization: Bearer ${token}' '${url}/views/hot-repositories'
  curl -N -H 'authorization: Bearer ${token}' '${url}/streams/pulse-alerts/events?from=start'
Stop with Ctrl-C, or kill it, and start it again: nothing is missing.`);
  if (!signal.aborted) await once(signal, "abort");
}

await runMain(main);

/**
 * The shop and the pulse together, on one embedded broker, each service with a database of its own, and
 * the HTTP door. A generator sends customers into the shop, a file of GitHub
 * activity feeds the pulse. `--once` ends when all of it is done, and prints the shop's books.
 *
 * Killed and started again, it goes on from where it was.
 */

import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openApp, type App } from "millrace";
import { embedded } from "millrace/embedded";
import { sqlite } from "millrace/sqlite";
import { pulse } from "./pulse/pulse.ts";
import { feed, totals } from "./pulse/run.ts";
import { audit } from "./shop/audit.ts";
import { books } from "./shop/outside/bank.ts";
import { scores } from "./shop/outside/scoring.ts";
import { sendCustomers, shopLine } from "./shop/run.ts";
import { shopServices } from "./shop/shop.ts";
import { positive, runMain, stopSignal, watch } from "./terminal.ts";

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "100" },
    customers: { type: "string", default: "200" },
    process: { type: "string", default: "orchestrated" },
    data: { type: "string", default: join(import.meta.dirname, ".millrace") },
    once: { type: "boolean", default: false },
  },
});
const rate = positive("rate", values.rate);
const count = positive("customers", values.customers);
const orderProcess = values.process === "choreographed" ? "choreographed" : "orchestrated";
const signal = stopSignal();

async function lines(app: App): Promise<readonly string[]> {
  const [{ line }, shop] = await Promise.all([totals(app), shopLine(app)]);
  return [`pulse  ${line}`, `shop   ${shop}`];
}

async function main(): Promise<void> {
  mkdirSync(values.data, { recursive: true });
  books.keepIn(join(values.data, "bank.ndjson"));
  scores.keepIn(join(values.data, "scores.ndjson"));
  await using app = await openApp({
    services: [pulse, ...shopServices(orderProcess)],
    broker: embedded({ directory: join(values.data, "broker") }),
    store: sqlite({ directory: join(values.data, "stores") }),
    http: {},
    log: { level: "warn" },
  });
  const { url, token } = app.door!;
  console.log(`door: ${url}/?token=${token}\n`);

  const done = new AbortController();
  const watching = watch(() => lines(app), done.signal);
  await Promise.all([
    feed(app, { rate, signal }),
    sendCustomers(app, { rate: rate / 10, count, signal }),
  ]).finally(() => done.abort());
  await watching;
  if (signal.aborted) return console.log("stopped; start it again and it goes on from here");

  await app.settled();
  for (const line of await lines(app)) console.log(line);
  const { counts, problems } = await audit(app);
  console.log(
    `books  ${problems.length === 0 ? "add up" : "DO NOT ADD UP"}: ${JSON.stringify(counts)}`,
  );
  for (const problem of problems) console.log(`       ${problem}`);
  if (problems.length > 0) process.exitCode = 1;
  if (values.once) return;

  console.log(`
Ask it, from another terminal:
  curl -G -H 'authorization: Bearer ${token}' '${url}/views/orders-by-customer' \\
    --data-urlencode 'where={"status":"cancelled"}' -d limit=3
  curl -H 'authorization: Bearer ${token}' '${url}/views/activity-by-repository?order=-count&limit=3'
  curl -N -H 'authorization: Bearer ${token}' '${url}/streams/orders/events?from=start'
Stop with Ctrl-C, or kill it, and start it again: nothing is missing.`);
  if (!signal.aborted) await once(signal, "abort");
}

await runMain(main);

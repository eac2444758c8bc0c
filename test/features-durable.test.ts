/** What is promised of files and of time that passes: the embedded broker and SQLite, on the disk. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import {
  consumer,
  document,
  event,
  openApp,
  service,
  stream,
  view,
  type App,
  type AppOptions,
} from "millrace";
import { embedded } from "millrace/embedded";
import { memoryBroker, memoryStore } from "millrace/memory";
import { sqlite } from "millrace/sqlite";
import { z } from "zod";
import { openTestBroker, readAll, textOf } from "../src/embedded/broker-stage.test.ts";
import { createPublisher } from "../src/service/publisher.ts";

const item = z.object({ key: z.string(), n: z.number() });
const Placed = event("order.placed", item, { key: ({ key }) => key });
const Billed = event("order.billed", item, { key: ({ key }) => key });
const orders = stream("orders", { Placed }, { partitions: 3 });
const bills = stream("bills", { Billed }, { partitions: 2 });

const counted = document<{ n: number }>("counted");
const billing = consumer("billing", { from: orders, publishes: bills, docs: { counted } }).handle({
  Placed: async (order, { docs, emit }) => {
    const known = (await docs.counted.get(order.key)) ?? { n: 0 };
    docs.counted.put(order.key, { n: known.n + 1 });
    emit(Billed({ ...order, n: known.n + 1 }));
  },
});
const sums = view("sums", { from: orders, initial: { sum: 0 }, index: ["sum"] }).evolve({
  Placed: ({ sum }, { n }) => ({ sum: sum + n }),
});
const billed = view("billed", { from: bills, initial: { times: 0, last: 0 } }).evolve({
  Billed: ({ times }, { n }) => ({ times: times + 1, last: n }),
});

const KEYS = ["a", "b", "c", "d"];
const placed = (count: number) =>
  Array.from({ length: count }, (_, n) => Placed({ key: KEYS[n % KEYS.length]!, n }));

async function temporary(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-features-"));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const onFiles = (directory: string): Pick<AppOptions, "broker" | "store" | "log"> => ({
  broker: embedded({ directory: join(directory, "broker") }),
  store: sqlite({ directory: join(directory, "stores") }),
  log: { level: "error" },
});

async function documentsOf(app: App): Promise<unknown> {
  const [ofSums, ofBilled] = await Promise.all([app.find(sums), app.find(billed)]);
  return { sums: ofSums.documents, billed: ofBilled.documents };
}

// proves: unit-of-work
test("one program comes to the same end on other brokers and stores, by configuration alone", async (t) => {
  const directory = await temporary(t);
  const ends: unknown[] = [];
  for (const configuration of [
    { broker: memoryBroker(), store: memoryStore() },
    onFiles(join(directory, "both")),
    { broker: memoryBroker(), store: sqlite({ directory: join(directory, "alone") }) },
    { ...onFiles(join(directory, "broker-alone")), store: memoryStore() },
  ]) {
    await using app = await openApp({
      services: [service("shop", { billing, sums, billed })],
      log: { level: "error" },
      ...configuration,
    });
    await app.publish(placed(200));
    await app.settled();
    ends.push(await documentsOf(app));
  }
  const sumOf = (key: number): number => 50 * key + 4 * ((49 * 50) / 2);
  for (const end of ends) {
    assert.deepEqual(end, {
      sums: KEYS.map((id, key) => ({ id, data: { sum: sumOf(key) } })),
      billed: KEYS.map((id) => ({ id, data: { times: 50, last: 50 } })),
    });
  }
});

// proves: log-and-state
test("derived state may be deleted at any time: the log alone brings it back", async (t) => {
  const directory = await temporary(t);
  const services = [service("views", { sums })];
  const run = async (publish: number): Promise<{ state: unknown; log: readonly string[] }> => {
    await using app = await openApp({ services, ...onFiles(directory) });
    if (publish > 0) await app.publish(placed(publish));
    await app.settled();
    const log: string[] = [];
    for await (const record of app.admin.read("orders", { from: "start" })) {
      log.push(JSON.stringify(record));
    }
    const { documents } = await app.find(sums);
    return { state: documents, log: log.toSorted((a, b) => (a < b ? -1 : 1)) };
  };
  await run(100);
  await rm(join(directory, "stores"), { recursive: true });
  const before = await run(100);
  assert.equal(before.log.length, 200);
  await rm(join(directory, "stores"), { recursive: true });
  const after = await run(0);
  assert.deepEqual(after, before);
  const sumOf = (key: number): number => 2 * (25 * key + 4 * ((24 * 25) / 2));
  assert.deepEqual(
    after.state,
    KEYS.map((id, key) => ({ id, data: { sum: sumOf(key) } })),
  );
});

// proves: push-delivery
test("the time from append to handler is measured at its 99th percentile", async (t) => {
  const times: number[] = [];
  let arrived = Promise.withResolvers<void>();
  const meter = consumer("meter", { from: orders }).handle({ Placed: () => arrived.resolve() });
  const directory = await temporary(t);
  await using app = await openApp({ services: [service("s", { meter })], ...onFiles(directory) });
  for (const draft of placed(100)) {
    arrived = Promise.withResolvers();
    const startMs = performance.now();
    await Promise.all([app.publish(draft), arrived.promise]);
    times.push(performance.now() - startMs);
  }
  const p99 = times.toSorted((a, b) => a - b)[98]!;
  t.diagnostic(`append to handler, synced to disk: p99 ${p99.toFixed(2)} ms of ${times.length}`);
  assert.equal(times.length, 100);
  assert.ok(p99 < 2000, `p99 ${p99} ms: something polls`);
});

const TICKS = 16;
const MICROTASKS = [0, 2, 5, 9, 14];

// proves: batching
test("a crash in the middle of a batch loses nothing that was acknowledged, and leaves no gap", async () => {
  let partly = 0;
  let under = 0;
  for (let run = 0; run < TICKS * MICROTASKS.length; run++) {
    await using stage = await openTestBroker();
    await stage.streams.ensureStream({ name: "orders", partitions: 1 });
    const publisher = createPublisher({
      source: "test",
      channels: [orders],
      streams: stage.streams,
      queues: undefined,
      environment: stage.environment,
      batch: { maxCount: 4 },
    });
    const acknowledged: number[] = [];
    for (const draft of placed(60)) {
      void publisher.publish([draft]).then(([outcome]) => {
        if (outcome?.ok === true) acknowledged.push(draft.data.n);
      });
    }
    for (let tick = 0; tick < Math.floor(run / MICROTASKS.length); tick++) {
      await new Promise<void>((resolve) => process.nextTick(resolve));
    }
    for (let turn = 0; turn < MICROTASKS[run % MICROTASKS.length]!; turn++) await Promise.resolve();
    const before = [...acknowledged];
    await stage.crash();
    const records = await readAll(stage.streams, "orders");
    const found = records.map((record) => JSON.parse(textOf(record)).n);
    assert.deepEqual(found, [...found.keys()], "a gap, or another order");
    for (const n of before) assert.ok(n < found.length, `${n} was acknowledged and is lost`);
    if (before.length > 0 && before.length < 60) partly++;
    if (found.length > before.length) under++;
  }
  assert.ok(partly > 20 && under > 5, `${partly} crashes between batches, ${under} within one`);
});

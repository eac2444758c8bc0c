/** Consumers at work beyond the laws, which stand in `conformance/laws`. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { delay } from "../model/clock.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { view } from "../sourcing/view.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { openTestService } from "../testing/test-service.ts";
import { consumer } from "./consumer/consumer.ts";
import { badMessage } from "./failure.ts";
import { service } from "./service.ts";

const numbered = z.object({ key: z.string(), n: z.number() });
const Counted = event("counted", numbered, { key: (e) => e.key });
const Skipped = event("skipped", numbered, { key: (e) => e.key });
const counts = stream("counts", { Counted, Skipped }, { partitions: 2 });
const Work = command("work", numbered, { key: (c) => c.key });

type Item = z.infer<typeof numbered>;
function echo(handle: (item: Item) => void) {
  return consumer("echo", { from: counts }).handle({ Counted: handle });
}

const items = (count: number, keys: readonly string[] = ["a", "b", "c"]): Item[] =>
  Array.from({ length: count }, (_, n) => ({ key: keys[n % keys.length]!, n }));

test("discarding the failed row lets what waited behind it go on", async () => {
  const done: number[] = [];
  const part = echo(({ n }) => {
    if (n === 0) throw badMessage("never");
    done.push(n);
  });
  await using app = await openTestService({ service: service("s", { part }) });
  await app.publish(items(3, ["a"]).map(Counted));
  await app.settled();
  const [first] = await app.running.listParked("echo");
  await app.until(app.running.discardParked([first!.row]));
  await app.settled();
  assert.deepEqual(done, [1, 2]);
});

test("what no handler wants is counted and passed over", async () => {
  const done: number[] = [];
  const part = echo(({ n }) => void done.push(n));
  await using app = await openTestService({ service: service("s", { part }) });
  await app.publish([
    Skipped({ key: "a", n: 1 }),
    Counted({ key: "a", n: 2 }),
    Skipped({ key: "b", n: 3 }),
  ]);
  await app.settled();
  assert.deepEqual(done, [2]);
  const [status] = await app.running.status();
  assert.deepEqual(status!.ignored, { skipped: 2 });
  assert.equal(
    status!.inputs.reduce((sum, { lag }) => sum + lag!, 0),
    0,
  );
});

test("a lease is prolonged while its message is worked on, so nobody else gets it", async () => {
  const environment = createTestEnvironment();
  let calls = 0;
  const slow = queue("slow", { Work }, { lease: "10s" });
  const part = consumer("worker", { from: slow }).handle({
    Work: async () => {
      calls++;
      await delay(environment.clock, 60_000);
    },
  });
  await using app = await openTestService({ service: service("s", { part }), environment });
  await app.publish(Work({ key: "a", n: 1 }));
  await app.settled();
  assert.equal(calls, 1);
  assert.equal((await app.broker.queues!.describeQueue("slow")).waiting, 0);
});

test("a view of one document folds all partitions into it", async () => {
  const sum = view("sum", { from: counts, initial: { sum: 0, count: 0 }, id: "all" }).evolve({
    Counted: (s, e) => ({ sum: s.sum + e.n, count: s.count + 1 }),
  });
  await using app = await openTestService({ service: service("s", { sum }) });
  await app.publish(items(500, ["a", "b", "c", "d", "e", "f"]).map(Counted));
  await app.settled();
  assert.deepEqual(await app.running.get("sum", "all"), { sum: (499 * 500) / 2, count: 500 });
});

test("a seek repeats from there, and only there", async () => {
  const done: number[] = [];
  const one = stream("one", { Counted }, { partitions: 1 });
  const part = consumer("reader", { from: one }).handle({ Counted: ({ n }) => void done.push(n) });
  await using app = await openTestService({ service: service("s", { part }) });
  await app.publish(items(5, ["a"]).map(Counted));
  await app.settled();
  await app.until(app.running.seek("reader", "one", 0, 3));
  await app.settled();
  assert.deepEqual(done, [0, 1, 2, 3, 4, 3, 4]);
  await assert.rejects(app.running.seek("reader", "one", 0, 9), { code: "OFFSET_OUT_OF_RANGE" });
});

// proves: retention
test("a consumer that retention left behind stops and says so, skips nothing by itself, and goes on where it is told", async () => {
  const environment = createTestEnvironment();
  const shared = { environment, broker: memoryBroker() };
  const store = memoryStore();
  const short = stream("short", { Counted }, { partitions: 1, keep: { count: 5 } });
  const seen: number[] = [];
  const part = consumer("part", { from: short }).handle({ Counted: ({ n }) => void seen.push(n) });
  const idle = consumer("idle", { from: short }).handle({});
  {
    await using app = await openTestService({ service: service("s", { part }), ...shared, store });
    await app.publish(items(3, ["a"]).map(Counted));
    await app.settled();
  }
  {
    await using feeder = await openTestService({ service: service("feeder", { idle }), ...shared });
    await feeder.publish(items(30, ["a"]).map(Counted));
    await environment.clock.advance(60_000);
  }
  await using app = await openTestService({ service: service("s", { part }), ...shared, store });
  await environment.clock.advance(5000);
  const [status] = await app.running.status();
  assert.equal(status!.state, "paused");
  assert.match(status!.inputs[0]!.paused ?? "", /offset 3 is older than 28, the oldest kept/);
  await assert.rejects(app.settled(), { code: "OFFSET_OUT_OF_RANGE" });
  assert.deepEqual(seen, [0, 1, 2]);
  await app.until(app.running.seek("part", "short", 0, 28));
  await app.settled();
  assert.deepEqual(seen, [0, 1, 2, 25, 26, 27, 28, 29]);
});

// proves: independent-consumers, parallel-processors
test("two consumers each see everything, and the slow one does not delay the other", async () => {
  const environment = createTestEnvironment();
  const seen = { quick: [] as number[], slow: [] as number[] };
  const quick = consumer("quick", { from: counts }).handle({
    Counted: ({ n }) => void seen.quick.push(n),
  });
  const slow = consumer("slow", { from: counts }).handle({
    Counted: async ({ n }) => {
      await delay(environment.clock, 1000);
      seen.slow.push(n);
    },
  });
  await using app = await openTestService({ service: service("s", { quick, slow }), environment });
  await app.publish(items(10, ["a"]).map(Counted));
  await environment.clock.advance(500);
  assert.equal(seen.quick.length, 10);
  assert.equal(seen.slow.length, 0);
  await app.settled();
  assert.deepEqual(seen.slow, seen.quick);
});

// proves: durable-subscription
test("a consumer that was away for an hour resumes without a gap, and sees nothing twice", async () => {
  const environment = createTestEnvironment();
  const shared = { environment, broker: memoryBroker() };
  const store = memoryStore();
  const seen: number[] = [];
  const part = consumer("part", { from: counts }).handle({ Counted: ({ n }) => void seen.push(n) });
  const idle = consumer("idle", { from: counts }).handle({});
  {
    await using app = await openTestService({ service: service("s", { part }), ...shared, store });
    await app.publish(items(5, ["a"]).map(Counted));
    await app.settled();
  }
  {
    await using feeder = await openTestService({ service: service("feeder", { idle }), ...shared });
    await feeder.publish([5, 6, 7].map((n) => Counted({ key: "a", n })));
    await environment.clock.advance(3_600_000);
  }
  await using app = await openTestService({ service: service("s", { part }), ...shared, store });
  await app.settled();
  assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7]);
});

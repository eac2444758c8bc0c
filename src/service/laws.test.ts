import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import type { AssignedPartition, JoinOptions, Streams } from "../broker/streams.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { delay } from "../model/clock.ts";
import type { Header, RawMessage } from "../model/message.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { view } from "../sourcing/view.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { openTestService } from "../testing/test-service.ts";
import { consumer } from "./consumer/consumer.ts";
import { badMessage, dependencyDown } from "./failure.ts";
import { service } from "./service.ts";

const numbered = z.object({ key: z.string(), n: z.number() });
const Counted = event("counted", numbered, { key: (e) => e.key });
const Skipped = event("skipped", numbered, { key: (e) => e.key });
const counts = stream("counts", { Counted, Skipped }, { partitions: 2 });
const Echoed = event("echoed", numbered, { key: (e) => e.key });
const echoes = stream("echoes", { Echoed }, { partitions: 2 });
const Work = command("work", numbered, { key: (c) => c.key });
const work = queue("work", { Work }, { attempts: 3 });

type Item = z.infer<typeof numbered>;
type Handle = (
  item: Item,
  context: {
    readonly signal: AbortSignal;
    readonly emit: (draft: ReturnType<typeof Echoed>) => void;
  },
) => void | Promise<void>;

function echo(handle: Handle, policy: Parameters<typeof consumer>[1]["policy"] = {}) {
  return consumer("echo", { from: counts, publishes: echoes, policy }).handle({ Counted: handle });
}

const items = (count: number, keys: readonly string[] = ["a", "b", "c"]): Item[] =>
  Array.from({ length: count }, (_, n) => ({ key: keys[n % keys.length]!, n }));

// proves: per-key-order
for (const concurrency of [1, 4, 16]) {
  test(`one key at a time and in order, ${concurrency} keys of a partition in parallel`, async () => {
    const environment = createTestEnvironment();
    const running = new Set<string>();
    const seen = new Map<string, number[]>();
    let most = 0;
    const one = stream("one", { Counted }, { partitions: 1 });
    const part = consumer("part", { from: one, concurrency }).handle({
      Counted: async ({ key, n }) => {
        assert.ok(!running.has(key), `${key} is already being worked on`);
        running.add(key);
        most = Math.max(most, running.size);
        await delay(environment.clock, 1 + environment.random.next() * 20);
        running.delete(key);
        seen.set(key, [...(seen.get(key) ?? []), n]);
      },
    });
    await using app = await openTestService({ service: service("s", { part }), environment });
    const keys = Array.from({ length: 20 }, (_, index) => `k${index}`);
    await app.publish(items(240, keys).map(Counted));
    await app.settled();
    assert.equal(most, concurrency);
    assert.equal(seen.size, 20);
    for (const ns of seen.values()) {
      assert.equal(ns.length, 12);
      assert.deepEqual(
        ns,
        ns.toSorted((a, b) => a - b),
      );
    }
  });
}

// proves: simple-processing
test("a bug is tried again with growing pauses, then parks its key while the others flow", async () => {
  const environment = createTestEnvironment();
  const tries: number[] = [];
  const done: string[] = [];
  const part = echo(
    ({ key, n }) => {
      if (key === "a" && n === 0) {
        tries.push(environment.clock.monotonic());
        throw new TypeError("cannot read x");
      }
      done.push(`${key}${n}`);
    },
    { attempts: 4, backoffMs: 100 },
  );
  await using app = await openTestService({ service: service("s", { part }), environment });
  await app.publish(items(9).map(Counted));
  await app.settled();
  assert.equal(tries.length, 4);
  const pauses = tries.slice(1).map((at, index) => at - tries[index]!);
  assert.ok(pauses[0]! >= 50 && pauses[0]! <= 100, `first pause ${pauses[0]}`);
  assert.ok(pauses[2]! >= 200 && pauses[2]! <= 400, `third pause ${pauses[2]}`);
  assert.deepEqual(done.toSorted(), ["b1", "b4", "b7", "c2", "c5", "c8"]);
  const parked = await app.running.listParked("echo");
  assert.deepEqual(
    parked.map(({ key, cause }) => [key, cause?.code, cause?.attempts]),
    [
      ["a", "TypeError", 4],
      ["a", undefined, undefined],
      ["a", undefined, undefined],
    ],
  );
  assert.equal(parked[0]!.cause?.kind, "bug");
  assert.match(parked[0]!.cause?.stack ?? "", /laws\.test/);
});

test("a redrive works rows off in order while arrivals join the tail", async () => {
  const environment = createTestEnvironment();
  let broken = true;
  const done: number[] = [];
  const part = echo(
    async ({ n }) => {
      if (n === 0 && broken) throw new Error("broken");
      await delay(environment.clock, 50);
      done.push(n);
    },
    { attempts: 1 },
  );
  await using app = await openTestService({ service: service("s", { part }), environment });
  await app.publish(items(5, ["a"]).map(Counted));
  await app.settled();
  assert.deepEqual(done, []);
  broken = false;
  assert.equal(await app.until(app.running.redriveParked("all")), 5);
  await environment.clock.advance(120);
  await app.publish([5, 6].map((n) => Counted({ key: "a", n })));
  await app.settled();
  assert.deepEqual(done, [0, 1, 2, 3, 4, 5, 6]);
  assert.equal((await app.running.listParked("echo")).length, 0);
  await app.publish(Counted({ key: "a", n: 7 }));
  await app.settled();
  assert.equal(done.at(-1), 7);
});

test("a redrive that fails again keeps the order and takes the mark away", async () => {
  const done: number[] = [];
  let broken = [0, 2];
  const part = echo(
    ({ n }) => {
      if (broken.includes(n)) throw new Error(`broken at ${n}`);
      done.push(n);
    },
    { attempts: 1 },
  );
  await using app = await openTestService({ service: service("s", { part }) });
  await app.publish(items(5, ["a"]).map(Counted));
  await app.settled();
  broken = [2];
  await app.until(app.running.redriveParked("all"));
  await app.settled();
  assert.deepEqual(done, [0, 1]);
  const rows = await app.running.listParked("echo");
  assert.deepEqual(
    rows.map(({ cause, redrive }) => [cause?.message, redrive]),
    [
      ["broken at 2", false],
      [undefined, false],
      [undefined, false],
    ],
  );
  broken = [];
  await app.until(app.running.redriveParked([rows[0]!.row]));
  await app.settled();
  assert.deepEqual(done, [0, 1, 2, 3, 4]);
});

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

test("a bad message parks at once, whoever says so", async () => {
  let tries = 0;
  const part = echo(({ n }) => {
    tries++;
    if (n === 0) throw badMessage("no such customer");
  });
  await using app = await openTestService({ service: service("s", { part }) });
  await app.publish([Counted({ key: "a", n: 0 }), Counted({ key: "b", n: 1 })]);
  const text = new TextEncoder();
  const stranger = (
    key: string,
    json: string,
    type = "counted",
    more: readonly Header[] = [],
  ): RawMessage => ({
    key,
    headers: [
      ["ce_specversion", "1.0"],
      ["ce_id", key],
      ["ce_type", type],
      ["ce_source", "x"],
      ...more,
    ],
    value: text.encode(json),
  });
  await app.broker.streams!.append("counts", [
    stranger("c", "{"),
    stranger("d", "{}", "never.heard"),
    { key: "e", headers: [], value: text.encode("{}") },
    stranger("f", "{}", "counted", [["ce_schemaversion", "9"]]),
    stranger("g", '{"key":"g","n":"x"}'),
  ]);
  await app.settled();
  assert.equal(tries, 2);
  const parked = await app.running.listParked("echo");
  assert.deepEqual(Object.fromEntries(parked.map(({ key, cause }) => [key, cause?.code])), {
    a: "BAD_MESSAGE",
    c: "BAD_JSON",
    d: "UNKNOWN_TYPE",
    e: "BAD_ENVELOPE",
    f: "UNKNOWN_VERSION",
    g: "BAD_PAYLOAD",
  });
  assert.deepEqual(new Set(parked.map(({ cause }) => cause?.kind)), new Set(["bad-message"]));
  const bad = parked.find(({ key }) => key === "c");
  assert.equal(new TextDecoder().decode(bad!.message.value), "{");
});

test("a dependency that is down pauses the input, parks nothing, and everything goes on after it", async () => {
  const environment = createTestEnvironment();
  let down = true;
  let tries = 0;
  const done: number[] = [];
  const part = echo(({ n }) => {
    tries++;
    if (down) throw dependencyDown("the bank does not answer");
    done.push(n);
  });
  await using app = await openTestService({ service: service("s", { part }), environment });
  await app.publish(items(20).map(Counted));
  await environment.clock.advance(60_000);
  const [status] = await app.running.status();
  assert.equal(status!.state, "paused");
  assert.match(status!.inputs.map(({ paused }) => paused ?? "").join(), /the bank does not answer/);
  assert.ok(tries < 40, `${tries} tries in a minute`);
  assert.equal(status!.failed, 0);
  down = false;
  await app.settled();
  assert.equal(done.length, 20);
  assert.deepEqual(await app.running.listParked("echo"), []);
  assert.equal((await app.running.status())[0]!.state, "running");
});

test("under the policy block nothing passes the failed message", async () => {
  const environment = createTestEnvironment();
  let broken = true;
  const done: number[] = [];
  const part = echo(
    ({ n }) => {
      if (n === 0 && broken) throw badMessage("wrong");
      done.push(n);
    },
    { onFailure: "block" },
  );
  await using app = await openTestService({ service: service("s", { part }), environment });
  await app.publish(Counted({ key: "a", n: 0 }));
  await environment.clock.advance(10);
  await app.publish(items(5, ["a"]).slice(1).map(Counted));
  await environment.clock.advance(60_000);
  assert.deepEqual(done, []);
  assert.match(
    (await app.running.status())[0]!.inputs.map((i) => i.paused).join(),
    /blocks: wrong/,
  );
  broken = false;
  await app.settled();
  assert.deepEqual(done, [0, 1, 2, 3, 4]);
});

test("under the policy skip the failed message alone is set aside", async () => {
  const done: number[] = [];
  const part = echo(
    ({ n }) => {
      if (n === 1) throw badMessage("wrong");
      done.push(n);
    },
    { onFailure: "skip" },
  );
  await using app = await openTestService({ service: service("s", { part }) });
  await app.publish(items(4, ["a"]).map(Counted));
  await app.settled();
  assert.deepEqual(done, [0, 2, 3]);
  const parked = await app.running.listParked("echo");
  assert.equal(parked.length, 1);
  assert.equal(parked[0]!.key, parked[0]!.incoming.id);
});

test("at the bound of parked rows the input pauses visibly, and goes on when there is room", async () => {
  const environment = createTestEnvironment();
  let broken = true;
  const done: string[] = [];
  const one = consumer("echo", { from: counts, policy: { parkedMax: 3 } }).handle({
    Counted: ({ key, n }) => {
      if (broken && key === "a") throw badMessage("wrong");
      done.push(`${key}${n}`);
    },
  });
  await using app = await openTestService({ service: service("s", { one }), environment });
  await app.publish(items(6, ["a"]).map(Counted));
  await environment.clock.advance(5000);
  const paused = (await app.running.status())[0]!.inputs.map((input) => input.paused ?? "").join();
  assert.match(paused, /3 messages are parked, the most allowed/);
  assert.equal((await app.running.listParked("echo")).length, 3);
  broken = false;
  await app.until(app.running.redriveParked("all"));
  await app.settled();
  assert.deepEqual(done, ["a0", "a1", "a2", "a3", "a4", "a5"]);
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

test("a stranger's message sent twice counts once, also after a restart", async () => {
  const environment = createTestEnvironment();
  const broker = memoryBroker();
  const store = memoryStore();
  const done: number[] = [];
  const plain = stream("counts", { Counted, Skipped }, { partitions: 2, dedupe: false });
  const part = consumer("echo", { from: plain }).handle({ Counted: ({ n }) => void done.push(n) });
  for (let round = 0; round < 2; round++) {
    await using app = await openTestService({
      service: service("s", { part }),
      environment,
      broker,
      store,
    });
    await app.publish(Counted({ key: "a", n: 1 }), { id: "same" });
    await app.publish(Counted({ key: "a", n: 1 }), { id: "same" });
    await app.settled();
  }
  assert.deepEqual(done, [1]);
});

test("stop finishes what is out, aborts it at the deadline, and the rest comes again", async () => {
  const environment = createTestEnvironment();
  const broker = memoryBroker();
  const store = memoryStore();
  const done: number[] = [];
  let aborted = 0;
  let quick = false;
  const part = consumer("echo", { from: counts, concurrency: 1 }).handle({
    Counted: async ({ n }, { signal }) => {
      try {
        await delay(environment.clock, quick ? 1 : 1000, signal);
      } catch (error) {
        aborted++;
        throw error;
      }
      done.push(n);
    },
  });
  const options = { service: service("s", { part }), environment, broker, store };
  const first = await openTestService(options);
  await first.publish(items(6).map(Counted));
  await environment.clock.advance(100);
  await first.until(first.running.stop({ deadlineMs: 200 }));
  await first.close();
  assert.ok(aborted > 0);
  assert.deepEqual(done, []);
  quick = true;
  await using second = await openTestService(options);
  await second.settled();
  assert.deepEqual(
    done.toSorted((a, b) => a - b),
    [0, 1, 2, 3, 4, 5],
  );
  assert.deepEqual(await second.running.listParked("echo"), []);
});

// proves: simple-processing
test("a queue's failures go to its dead letters after its attempts, without a store row", async () => {
  const environment = createTestEnvironment();
  let broken = true;
  const tries: number[] = [];
  const done: number[] = [];
  const part = consumer("worker", { from: work }).handle({
    Work: ({ n }) => {
      tries.push(n);
      if (n === 0 && broken) throw new Error("broken");
      if (n === 1 && broken) throw badMessage("never");
      done.push(n);
    },
  });
  await using app = await openTestService({ service: service("s", { part }), environment });
  await app.publish(items(4, ["a"]).map(Work));
  await environment.clock.advance(60_000);
  await app.settled();
  assert.equal(tries.filter((n) => n === 0).length, 3);
  assert.equal(tries.filter((n) => n === 1).length, 1);
  assert.deepEqual(done, [2, 3]);
  const dead = await app.broker.queues!.listDeadLetters("work");
  assert.deepEqual(dead.map(({ cause }) => cause.code).toSorted(), ["BAD_MESSAGE", "Error"]);
  assert.deepEqual(await app.running.listParked("worker"), []);
  broken = false;
  await app.broker.queues!.redriveDeadLetters("work", "all");
  await environment.clock.advance(1000);
  await app.settled();
  assert.deepEqual(new Set(done), new Set([0, 1, 2, 3]));
  assert.equal(done.length, 4);
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

test("a queue that keeps key order parks in the store, and later messages of the key wait", async () => {
  const ordered = queue("ordered", { Work }, { keyOrder: true });
  let broken = true;
  const done: number[] = [];
  const part = consumer("worker", { from: ordered, policy: { attempts: 2 } }).handle({
    Work: ({ n }) => {
      if (n === 0 && broken) throw new Error("broken");
      done.push(n);
    },
  });
  await using app = await openTestService({ service: service("s", { part }) });
  await app.publish(items(4, ["a"]).map(Work));
  await app.settled();
  assert.deepEqual(done, []);
  assert.equal((await app.running.listParked("worker")).length, 4);
  assert.equal((await app.broker.queues!.describeQueue("ordered")).deadLetters, 0);
  broken = false;
  await app.until(app.running.redriveParked("all"));
  await app.settled();
  assert.deepEqual(done, [0, 1, 2, 3]);
});

// proves: reactions-with-causation
test("what a message led to carries its cause and conversation", async () => {
  const part = echo((item, { emit }) => emit(Echoed(item)));
  const chained = consumer("chained", { from: echoes }).handle({ Echoed: () => undefined });
  await using app = await openTestService({ service: service("s", { part, chained }) });
  const [published] = await app.publish(Counted({ key: "a", n: 1 }), { actor: "ann" });
  await app.settled();
  const found = [];
  for (const partition of [0, 1]) {
    for await (const batch of app.broker.streams!.read("echoes", { partition, from: "earliest" })) {
      found.push(...batch);
    }
  }
  const headers = Object.fromEntries(found[0]!.headers);
  assert.equal(found.length, 1);
  assert.equal(headers["ce_correlationid"], published!.id);
  assert.equal(headers["ce_causationid"], published!.id);
  assert.equal(headers["ce_actor"], "ann");
  assert.equal(headers["ce_source"], "s");
  assert.equal(headers["ce_lanesequence"], "0");
});

// proves: unit-of-work
test("an invalid emit is the handler's bug, and nothing of that handler takes effect", async () => {
  const part = echo(
    (item, { emit }) => {
      emit(Echoed(item));
      // @ts-expect-error the payload is wrong on purpose
      emit(Echoed({ key: "a", n: "x" }));
    },
    { attempts: 1 },
  );
  await using app = await openTestService({ service: service("s", { part }) });
  await app.publish(Counted({ key: "a", n: 1 }));
  await app.settled();
  const [row] = await app.running.listParked("echo");
  assert.equal(row!.cause?.kind, "bug");
  assert.equal(row!.cause?.code, "BAD_PAYLOAD");
  assert.match(row!.cause.message, /\bn\b/);
  const { partitions } = await app.broker.streams!.describeStream("echoes");
  assert.equal(
    partitions.reduce((sum, { end }) => sum + end, 0),
    0,
  );
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

// proves: back-pressure
test("a consumer that is slow slows its fetch, and takes up the rest when it is done", async () => {
  const environment = createTestEnvironment();
  const one = stream("one", { Counted }, { partitions: 1 });
  const gate = Promise.withResolvers<void>();
  const done: number[] = [];
  const part = consumer("part", { from: one }).handle({
    Counted: async ({ n }) => {
      await gate.promise;
      done.push(n);
    },
  });
  let fetched = 0;
  await using app = await openTestService({
    service: service("s", { part }),
    environment,
    wrap: ({ broker, store }) => ({
      store,
      broker: {
        queues: broker.queues!,
        streams: countingReads(broker.streams!, (count) => (fetched += count)),
        close: () => broker.close(),
        [Symbol.asyncDispose]: () => broker.close(),
      },
    }),
  });
  for (let call = 0; call < 9; call++) await app.publish(items(1000, ["a", "b"]).map(Counted));
  await environment.clock.advance(60_000);
  assert.ok(fetched >= 1000 && fetched < 6500, `${fetched} of 9000 were fetched unhandled`);
  gate.resolve();
  await app.settled();
  assert.equal(done.length, 9000);
  assert.equal(fetched, 9000);
});

/** Streams that tell how many records their groups' members took. */
function countingReads(streams: Streams, took: (count: number) => void): Streams {
  const counted = (assigned: AssignedPartition): AssignedPartition => ({
    ...assigned,
    read: async function* (from, options) {
      for await (const batch of assigned.read(from, options)) {
        took(batch.length);
        yield batch;
      }
    },
  });
  return new Proxy(streams, {
    get(target, name) {
      if (name === "joinGroup") {
        return (options: JoinOptions) =>
          target.joinGroup({ ...options, run: (assigned) => options.run(counted(assigned)) });
      }
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { delay } from "../model/clock.ts";
import { MillraceError } from "../model/errors.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { view } from "../sourcing/view.ts";
import type { Store } from "../store/store.ts";
import type { Batch } from "../store/write-set.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { openTestService, type TestPorts } from "../testing/test-service.ts";
import { consumer } from "./consumer/consumer.ts";
import { document } from "./consumer/document.ts";
import { service } from "./service.ts";

const item = z.object({ key: z.string(), n: z.number() });
const In = event("in", item, { key: (e) => e.key });
const ins = stream("ins", { In }, { partitions: 1 });
const Do = command("do", item);
const todo = queue("todo", { Do }, { lease: "10s" });
const drafts = (count: number, keys = ["a", "b"]) =>
  Array.from({ length: count }, (_, n) => In({ key: keys[n % keys.length]!, n }));

/** Puts `intercept` before one method of the store. */
function intercepted(
  name: keyof Store,
  intercept: (...parameters: unknown[]) => void | Promise<void>,
): (ports: TestPorts) => TestPorts {
  return ({ broker, store }) => ({
    broker,
    store: new Proxy(store, {
      get(target, asked) {
        const member: unknown = Reflect.get(target, asked, target);
        if (typeof member !== "function") return member;
        if (asked !== name) return member.bind(target);
        return async (...parameters: unknown[]): Promise<unknown> => {
          await intercept(...parameters);
          return Reflect.apply(member, target, parameters);
        };
      },
    }),
  });
}

const count = view("count", { from: ins, initial: { n: 0 } }).evolve({
  In: (s) => ({ n: s.n + 1 }),
});

test("while the store takes no commits the input pauses, loses nothing, and goes on by itself", async () => {
  const environment = createTestEnvironment();
  let down = true;
  let calls = 0;
  const wrap = intercepted("apply", () => {
    calls++;
    if (down) throw new MillraceError("DISK_FULL", "the disk is full; free some space");
  });
  await using app = await openTestService({ service: service("s", { count }), environment, wrap });
  await app.publish(drafts(20));
  await environment.clock.advance(60_000);
  const [status] = await app.running.status();
  assert.match(status!.inputs[0]!.paused ?? "", /the disk is full/);
  assert.ok(calls > 3 && calls < 30, `${calls} tries in a minute`);
  down = false;
  await app.settled();
  assert.deepEqual(await app.running.get("count", "a"), { n: 10 });
  assert.deepEqual(await app.running.listParked("count"), []);
});

test("while documents cannot be read the input pauses and parks nothing", async () => {
  const environment = createTestEnvironment();
  let down = false;
  const wrap = intercepted("getDocuments", () => {
    if (down) throw new MillraceError("STORE_FAILED", "the database is locked");
  });
  await using app = await openTestService({ service: service("s", { count }), environment, wrap });
  down = true;
  await app.publish(drafts(20));
  await environment.clock.advance(60_000);
  assert.match((await app.running.status())[0]!.inputs[0]!.paused ?? "", /locked/);
  down = false;
  await app.settled();
  assert.deepEqual(await app.running.get("count", "b"), { n: 10 });
});

test("a document over the limit parks the message that made it so, and no other", async () => {
  const texts = document<{ text: string }>("texts");
  const grow = consumer("grow", { from: ins, docs: { texts }, policy: { attempts: 2 } }).handle({
    In: async ({ key, n }, { docs }) => {
      const text = (await docs.texts.get(key))?.text ?? "";
      docs.texts.put(key, { text: n === 2 ? "x".repeat(5_000_000) : `${text}${n},` });
    },
  });
  await using app = await openTestService({ service: service("s", { grow }) });
  await app.publish(drafts(6));
  await app.settled();
  const parked = await app.running.listParked("grow");
  assert.deepEqual(
    parked.map(({ key, cause }) => [key, cause?.code]),
    [
      ["a", "TOO_LARGE"],
      ["a", undefined],
    ],
  );
  const found = await app.store.getDocuments("document.texts", ["a", "b"]);
  assert.deepEqual(
    [...found.values()].map(({ json }) => json),
    ['{"text":"0,"}', '{"text":"1,3,5,"}'],
  );
});

test("two keys that write one document at once both take effect", async () => {
  const environment = createTestEnvironment();
  const total = document<{ n: number }>("total");
  const add = consumer("add", { from: ins, docs: { total } }).handle({
    In: async (_, { docs }) => {
      const known = (await docs.total.get("all"))?.n ?? 0;
      await delay(environment.clock, 5);
      docs.total.put("all", { n: known + 1 });
    },
  });
  await using app = await openTestService({ service: service("s", { add }), environment });
  await app.publish(drafts(30, ["a", "b", "c", "d"]));
  await app.settled();
  const found = await app.store.getDocuments("document.total", ["all"]);
  assert.equal(found.get("all")?.json, '{"n":30}');
});

test("a deleted document is gone, and can be made again", async () => {
  const docs = document<{ n: number }>("docs");
  const part = consumer("part", { from: ins, docs: { docs } }).handle({
    In: async ({ key, n }, context) => {
      if (n % 2 === 1) return context.docs.docs.delete(key);
      assert.equal(await context.docs.docs.get(key), undefined);
      context.docs.docs.put(key, { n });
    },
  });
  await using app = await openTestService({ service: service("s", { part }) });
  for (const draft of drafts(5, ["a"])) {
    await app.publish(draft);
    await app.settled();
  }
  assert.deepEqual(await app.running.listParked("part"), []);
  const found = await app.store.getDocuments("document.docs", ["a"]);
  assert.equal(found.get("a")?.json, '{"n":4}');
});

test("a part that starts at the latest sees nothing earlier, and keeps its place", async () => {
  const environment = createTestEnvironment();
  const broker = memoryBroker();
  const store = memoryStore();
  const seen: number[] = [];
  const early = consumer("early", { from: ins }).handle({});
  const late = consumer("late", { from: ins, start: "latest" }).handle({
    In: ({ n }) => void seen.push(n),
  });
  const shared = { environment, broker, store };
  {
    await using app = await openTestService({ service: service("s", { early }), ...shared });
    await app.publish(drafts(3));
    await app.settled();
  }
  {
    await using app = await openTestService({ service: service("s", { early, late }), ...shared });
    await app.settled();
  }
  {
    await using app = await openTestService({ service: service("s", { early }), ...shared });
    await app.publish(In({ key: "a", n: 7 }));
    await app.settled();
  }
  await using app = await openTestService({ service: service("s", { early, late }), ...shared });
  await app.settled();
  assert.deepEqual(seen, [7]);
});

test("work whose lease was lost is called off, and the message counts once", async () => {
  const environment = createTestEnvironment();
  let aborted = 0;
  let tries = 0;
  const part = consumer("part", { from: todo }).handle({
    Do: async (_, { signal }) => {
      tries++;
      if (tries > 1) return;
      await delay(environment.clock, 60_000, signal).catch((error: unknown) => {
        aborted++;
        throw error;
      });
    },
  });
  await using app = await openTestService({
    service: service("s", { part }),
    environment,
    wrap: ({ broker, store }) => ({
      store,
      broker: {
        streams: broker.streams!,
        queues: new Proxy(broker.queues!, {
          get(target, name) {
            const lost = new MillraceError("LEASE_LOST", "the lease has ended");
            if (name === "extend") return () => Promise.reject(lost);
            const member: unknown = Reflect.get(target, name, target);
            return typeof member === "function" ? member.bind(target) : member;
          },
        }),
        close: () => broker.close(),
        [Symbol.asyncDispose]: () => broker.close(),
      },
    }),
  });
  await app.publish(Do({ key: "a", n: 1 }));
  await environment.clock.advance(30_000);
  await app.settled();
  assert.equal(aborted, 1);
  assert.equal(tries, 2);
  assert.equal((await app.running.status())[0]!.handled, 1);
});

test("after a restart, what came meanwhile waits behind the parked rows of its key", async () => {
  const environment = createTestEnvironment();
  const shared = { environment, broker: memoryBroker() };
  const store = memoryStore();
  const done: number[] = [];
  let broken = true;
  const part = consumer("part", { from: ins, policy: { attempts: 1 } }).handle({
    In: ({ n }) => {
      if (n === 0 && broken) throw new Error("broken");
      done.push(n);
    },
  });
  const idle = consumer("idle", { from: ins }).handle({});
  {
    await using app = await openTestService({ service: service("s", { part }), ...shared, store });
    await app.publish(drafts(2, ["a"]));
    await app.settled();
  }
  {
    await using feeder = await openTestService({ service: service("feeder", { idle }), ...shared });
    await feeder.publish([In({ key: "a", n: 2 }), In({ key: "b", n: 3 })]);
  }
  let out = 3;
  const wrap = intercepted("parkedKeys", () => {
    if (out-- > 0) throw new MillraceError("STORE_FAILED", "the database is locked");
  });
  await using app = await openTestService({
    service: service("s", { part }),
    ...shared,
    store,
    wrap,
  });
  await app.settled();
  assert.deepEqual(done, [3]);
  assert.equal((await app.running.listParked("part")).length, 3);
  broken = false;
  await app.until(app.running.redriveParked("all"));
  await app.settled();
  assert.deepEqual(done, [3, 0, 1, 2]);
});

test("a former owner is fenced: it stops visibly, and writes nothing more", async () => {
  await using app = await openTestService({ service: service("s", { count }) });
  await app.publish(drafts(2, ["a"]));
  await app.settled();
  await app.store.readProgress("count", "ins/0", { epoch: 99 });
  await app.publish(drafts(2, ["a"]));
  await assert.rejects(app.settled(), { code: "FENCED" });
  assert.deepEqual(await app.running.get("count", "a"), { n: 2 });
  const [status] = await app.running.status();
  assert.equal(status!.state, "paused");
  // Taking over anew claims a higher epoch, and goes on where the store is.
  await app.until(app.running.seek("count", "ins", 0, 2));
  await app.settled();
  assert.deepEqual(await app.running.get("count", "a"), { n: 4 });
});

test("a commit that took effect although it seemed to fail still gets its messages out, in order", async () => {
  const environment = createTestEnvironment();
  const Out = event("out", item, { key: (e) => e.key });
  const outs = stream("outs", { Out }, { partitions: 1 });
  const echo = consumer("echo", { from: ins, publishes: outs }).handle({
    In: (data, { emit }) => emit(Out(data)),
  });
  let lost = 0;
  const wrap = ({ broker, store }: TestPorts): TestPorts => ({
    broker,
    store: new Proxy(store, {
      get(target, asked) {
        const member: unknown = Reflect.get(target, asked, target);
        if (typeof member !== "function") return member;
        if (asked !== "apply") return member.bind(target);
        return async (batch: Batch): Promise<unknown> => {
          const outcome = await target.apply(batch);
          if (batch.sets.some(({ outgoing }) => outgoing !== undefined) && lost++ === 0) {
            throw new MillraceError("STORE_FAILED", "the connection broke");
          }
          return outcome;
        };
      },
    }),
  });
  await using app = await openTestService({ service: service("s", { echo }), environment, wrap });
  await app.publish(drafts(3, ["a"]));
  await app.settled();
  await app.publish(In({ key: "a", n: 3 }));
  await app.settled();
  const numbers: unknown[] = [];
  const options = { partition: 0, from: "earliest" } as const;
  for await (const batch of app.broker.streams!.read("outs", options)) {
    for (const { value } of batch) numbers.push(JSON.parse(new TextDecoder().decode(value)).n);
  }
  assert.ok(lost > 1, "a commit with messages seemed to fail");
  assert.deepEqual(numbers, [0, 1, 2, 3]);
});

test("a part whose messages do not get out says so in its status", async () => {
  const environment = createTestEnvironment();
  const Out = event("out", item, { key: (e) => e.key });
  const outs = stream("outs", { Out }, { partitions: 1 });
  const echo = consumer("echo", { from: ins, publishes: outs }).handle({
    In: (data, { emit }) => emit(Out(data)),
  });
  await using app = await openTestService({ service: service("s", { echo }), environment });
  await app.until(app.broker.streams!.deleteStream("outs"));
  await app.publish(drafts(1));
  await app.until(delay(environment.clock, 1000));
  const [troubled] = await app.until(app.running.status());
  assert.match(troubled?.inputs[0]?.unpublished ?? "", /stream outs: .*outs/);
  await app.until(app.broker.streams!.ensureStream({ name: "outs", partitions: 1 }));
  await app.settled();
  const [well] = await app.until(app.running.status());
  assert.equal(well?.inputs[0]?.unpublished, undefined);
});

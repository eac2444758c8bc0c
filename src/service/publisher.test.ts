import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import type { Broker } from "../broker/broker.ts";
import { memoryBroker } from "../memory/broker.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { createTestEnvironment, type TestEnvironment } from "../testing/environment.ts";
import { createPublisher, type BatchSettings, type Publisher } from "./publisher.ts";

const item = z.object({ key: z.string(), n: z.number(), pad: z.string().optional() });
const Noted = event("noted", item, { key: (e) => e.key });
const Do = command("do", item, { key: (c) => c.key });
const notes = stream("notes", { Noted }, { partitions: 1 });
const others = stream("others", { Other: event("other", item) }, { partitions: 1 });
const todo = queue("todo", { Do });
const note = (n: number, pad?: string) => Noted({ key: "k", n, ...(pad !== undefined && { pad }) });

interface Stage {
  readonly publisher: Publisher;
  readonly broker: Broker;
  readonly environment: TestEnvironment;
  /** Messages of each append, in order. */
  readonly appends: number[];
}

async function stage(batch?: BatchSettings): Promise<Stage> {
  const environment = createTestEnvironment();
  const broker = await memoryBroker().open(environment);
  await broker.streams!.ensureStream({
    name: "notes",
    partitions: 1,
    dedupe: { count: 100, ms: 60_000 },
  });
  await broker.streams!.ensureStream({ name: "others", partitions: 1 });
  await broker.queues!.ensureQueue({ name: "todo" });
  const appends: number[] = [];
  const streams = new Proxy(broker.streams!, {
    get(target, name) {
      if (name !== "append") return Reflect.get(target, name, target);
      return (...parameters: Parameters<typeof target.append>) => {
        appends.push(parameters[1].length);
        return target.append(...parameters);
      };
    },
  });
  const publisher = createPublisher({
    source: "test",
    channels: [notes, others, todo],
    owners: new Map([["others", "elsewhere"]]),
    streams,
    queues: broker.queues,
    environment,
    ...(batch && { batch }),
  });
  return { publisher, broker, environment, appends };
}

// proves: batching
test("the same program sends one by one or in batches, by settings alone, and keeps the order", async () => {
  for (const [batch, expected] of [
    [{ maxCount: 1 }, [1, 1, 1, 1, 1, 1]],
    [{ maxMs: 50, maxCount: 4 }, [4, 2]],
    [{ maxMs: 50, maxBytes: 700, maxCount: 100 }, undefined],
    [{}, [6]],
  ] as const) {
    const { publisher, broker, environment, appends } = await stage(batch);
    const published = Promise.all(
      Array.from({ length: 6 }, (_, n) => publisher.publish([note(n)])),
    );
    const outcomes = (await environment.clock.run(published)).flat();
    assert.deepEqual(
      outcomes.map((outcome) => outcome.ok && outcome.value.offset),
      [0, 1, 2, 3, 4, 5],
    );
    if (expected !== undefined) assert.deepEqual(appends, expected);
    else assert.ok(appends.length > 1 && appends.length < 6, `appends of ${appends.join()}`);
    await broker.close();
  }
});

// proves: batching
test("an item that fails names its field, and keeps no other back", async () => {
  const { publisher, environment } = await stage();
  const wrong = { type: "noted", data: { key: "k", n: "x" } };
  const outcomes = await environment.clock.run(
    publisher.publish([
      note(1),
      wrong,
      { type: "nowhere", data: {} },
      note(2, "x".repeat(2_000_000)),
      note(3),
    ]),
  );
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.error.code)),
    ["ok", "BAD_PAYLOAD", "UNKNOWN_TYPE", "TOO_LARGE", "ok"],
  );
  const failed = outcomes[1]!;
  assert.ok(!failed.ok && failed.error.message.includes("n"));
  assert.deepEqual(!failed.ok && failed.error.details["fields"], ["n"]);
});

test("a stream of another service is refused", async () => {
  const { publisher, environment } = await stage();
  const [outcome] = await environment.clock.run(
    publisher.publish([{ type: "other", data: { key: "k", n: 1 } }]),
  );
  assert.ok(outcome !== undefined && !outcome.ok);
  assert.equal(outcome.error.code, "NOT_ALLOWED");
  assert.match(outcome.error.message, /owned by the service "elsewhere"/);
});

// proves: immutable-events
test("one id published twice counts once, and a command can be delayed", async () => {
  const { publisher, environment, broker } = await stage();
  const twice = [
    publisher.publish([note(1)], { id: "a" }),
    publisher.publish([note(1)], { id: "a" }),
  ];
  const outcomes = (await environment.clock.run(Promise.all(twice))).flat();
  assert.deepEqual(
    outcomes.map((outcome) => outcome.ok && outcome.value.duplicate),
    [false, true],
  );
  await environment.clock.run(publisher.publish([Do({ key: "k", n: 1 })], { delayMs: 5000 }));
  assert.equal((await broker.queues!.describeQueue("todo")).delayed, 1);
});

test("closing sends what waits, and then takes nothing", async () => {
  const { publisher, environment } = await stage({ maxMs: 60_000 });
  const waiting = publisher.publish([note(1)]);
  await environment.clock.settle();
  await publisher.close();
  const [sent] = await waiting;
  assert.ok(sent!.ok);
  const [late] = await publisher.publish([note(2)]);
  assert.ok(late !== undefined && !late.ok && late.error.code === "CLOSED");
});

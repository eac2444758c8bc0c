/** What a saga's declaration means when it runs: which instance, which version, what is refused. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event, timer } from "../schema/message-type.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { service } from "../service/service.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { openTestService } from "../testing/test-service.ts";
import { after, step, type Reaction } from "./actions.ts";
import { saga } from "./saga.ts";

const item = z.object({ id: z.string(), other: z.string() });
const byId = { key: (data: { readonly id: string }) => data.id };
const Go = event("go", item, byId);
const Next = event("next", item, byId);
const Keyless = event("keyless", item);
const Do = command("do", item, byId);
const NoKey = command("no-key", item);
const Due = timer("due", item);
const ins = stream("ins", { Go, Next, Keyless }, { partitions: 2 });
const todo = queue("todo", { Do, NoKey });
const data = (id: string, other = "x") => ({ id, other });
const none = (): Reaction<never> => [];
/** Goes anywhere, as in a program without types. */
const untyped = (value: unknown): any => value;

test("two sagas on one stream each have their own instances, timers and answers", async () => {
  const seen: string[] = [];
  const sagaOf = (name: string) =>
    saga(name, { from: ins, timers: { Due }, sends: todo, initial: {} })
      .evolve({})
      .react({
        Go: (e) => [step(Do(e)), after("1m", Due(e))],
        Due: (_, __, { instance }) => void seen.push(`${name} due ${instance}`),
      })
      .answers({ Do: (_, __, { instance }) => void seen.push(`${name} answered ${instance}`) });
  const doer = consumer("doer", { from: todo }).handle({
    Do: () => undefined,
    NoKey: () => undefined,
  });
  const s = service("s", { a: sagaOf("a"), b: sagaOf("b"), doer });
  await using stage = await openTestService({ service: s });
  await stage.publish([Go(data("1")), Go(data("2"))]);
  await stage.settled();
  await stage.environment.clock.advance(61_000);
  await stage.settled();
  assert.deepEqual(
    seen.toSorted(),
    ["a", "b"].flatMap((name) =>
      ["answered 1", "answered 2", "due 1", "due 2"].map((what) => `${name} ${what}`),
    ),
  );
});

test("an event belongs to the instance that id names, and else to its key", async () => {
  const part = saga("p", {
    from: ins,
    initial: { seen: 0 },
    id: { Keyless: (e) => e.other },
    starts: ["Go"],
  })
    .evolve({ Go: (s) => s, Keyless: (s) => ({ seen: s.seen + 1 }) })
    .react({});
  await using stage = await openTestService({ service: service("s", { part }) });
  await stage.publish(Go(data("a")));
  await stage.settled();
  await stage.publish([Keyless(data("z", "a")), Keyless(data("a", "nobody")), Next(data("a"))]);
  await stage.settled();
  const { instances } = await stage.running.listSagas("p");
  assert.deepEqual(
    instances.map(({ instance }) => instance),
    ["a"],
  );
  assert.equal((await stage.running.showSaga("p", "a")).stateJson, '{"seen":1}');
  // One that found no instance, and one of a type that nobody handles.
  assert.deepEqual((await stage.running.status())[0]!.ignored, { keyless: 1, next: 1 });
});

test("a command without a key of its own goes under the instance", async () => {
  const keys: (string | undefined)[] = [];
  const part = saga("p", { from: ins, sends: todo, initial: {} })
    .evolve({})
    .react({ Go: (e) => NoKey(e) });
  const doer = consumer("doer", { from: todo }).handle({
    Do: () => undefined,
    NoKey: (_, { key }) => void keys.push(key),
  });
  await using stage = await openTestService({ service: service("s", { part, doer }) });
  await stage.publish(Go(data("a")));
  await stage.settled();
  assert.deepEqual(keys, ["a"]);
});

test("an older instance is migrated when it is touched, a newer one parks with what to do", async () => {
  const stack = {
    environment: createTestEnvironment(),
    broker: memoryBroker(),
    store: memoryStore(),
  };
  const first = saga("p", { from: ins, initial: { n: 0 } })
    .evolve({ Go: (s) => ({ n: s.n + 1 }) })
    .react({});
  const second = saga("p", {
    from: ins,
    initial: { count: 0 },
    version: 2,
    upcast: { 1: (old: { n: number }) => ({ count: old.n * 10 }) },
  })
    .evolve({ Go: (s) => ({ count: s.count + 1 }) })
    .react({});
  {
    await using stage = await openTestService({ ...stack, service: service("s", { first }) });
    await stage.publish([Go(data("touched")), Go(data("left"))]);
    await stage.settled();
  }
  {
    await using stage = await openTestService({ ...stack, service: service("s", { second }) });
    await stage.publish(Go(data("touched")));
    await stage.settled();
    const touched = await stage.running.showSaga("p", "touched");
    assert.deepEqual([touched.version, touched.stateJson], [2, '{"count":11}']);
    assert.equal((await stage.running.showSaga("p", "left")).version, 1);
  }
  await using stage = await openTestService({ ...stack, service: service("s", { first }) });
  await stage.publish([Go(data("touched")), Go(data("left"))]);
  await stage.settled();
  const parked = await stage.running.listParked("p");
  assert.deepEqual(
    parked.map(({ key, cause }) => [key, cause?.code]),
    [["touched", "BAD_MESSAGE"]],
  );
  assert.match(parked[0]!.cause!.message, /deploy version 2, then redrive/);
  assert.equal((await stage.running.showSaga("p", "left")).stateJson, '{"n":2}');
});

test("a reaction that sends what its schema refuses parks, and leaves nothing behind", async () => {
  const part = saga("p", { from: ins, sends: todo, initial: { n: 0 }, policy: { attempts: 1 } })
    .evolve({ Go: (s) => ({ n: s.n + 1 }) })
    .react({
      Go: (e) => step(Do(e), { undo: Do({ id: e.id, other: untyped(5) }) }),
    });
  await using stage = await openTestService({ service: service("s", { part }) });
  await stage.publish(Go(data("a")));
  await stage.settled();
  const parked = await stage.running.listParked("p");
  assert.equal(parked[0]?.cause?.code, "BAD_PAYLOAD", "the undo is checked when it is declared");
  assert.deepEqual((await stage.running.listSagas("p")).instances, []);
  assert.equal((await stage.broker.queues!.describeQueue("todo")).waiting, 0);
});

test("a declaration that contradicts itself is refused, with what to write", () => {
  const begin = { from: ins, initial: {} };
  const refusals: readonly (readonly [RegExp, () => unknown])[] = [
    [/no name for a saga/, () => saga("no name", begin)],
    [/an unknown option "form"/, () => saga("s", untyped({ ...begin, form: 1 }))],
    [
      /cannot tell the instance of Keyless/,
      () =>
        saga("s", begin)
          .evolve({ Keyless: (s) => s })
          .react({}),
    ],
    [
      /no upcaster from version 1/,
      () =>
        saga("s", { ...begin, version: 2 })
          .evolve({})
          .react({}),
    ],
    [
      /an upcaster from "2" but its version is 2/,
      () =>
        saga("s", { ...begin, version: 2, upcast: { 1: (o) => o, 2: (o) => o } })
          .evolve({})
          .react({}),
    ],
    [
      /declares the timer "due" and has no handler/,
      () =>
        saga("s", { ...begin, timers: { Due } })
          .evolve({})
          .react({}),
    ],
    [
      /is no timer; declare it with timer/,
      () =>
        saga("s", { ...begin, timers: { Goes: untyped(Go) } })
          .evolve({})
          .react({}),
    ],
    [
      /starts with Next and has no handler/,
      () =>
        saga("s", { ...begin, starts: ["Next"] })
          .evolve({})
          .react({ Go: none }),
    ],
    [
      /starts of .* is empty/,
      () =>
        saga("s", { ...begin, starts: [] })
          .evolve({})
          .react({}),
    ],
    [
      /answers to Nothing, which none of its queues carries/,
      () =>
        saga("s", { ...begin, sends: todo })
          .evolve({})
          .react({})
          .answers(untyped({ Nothing: none })),
    ],
    [
      /no JSON form/,
      () =>
        saga("s", { from: ins, initial: () => 1 })
          .evolve({})
          .react({}),
    ],
  ];
  for (const [message, declare] of refusals) assert.throws(declare, message);
});

test("a saga sends nothing and waits for nothing that it does not declare", () => {
  const quiet = saga("quiet", { from: ins, initial: {} })
    .evolve({ Go: (s) => s })
    .react({});
  const loud = saga("loud", { from: ins, sends: todo, initial: {} })
    .evolve({ Go: (s) => s })
    .react({});
  const s = service("s", { quiet, loud });
  assert.deepEqual(
    s.parts.map(({ name, from }) => [name, from.map((each) => each.name)]),
    [
      ["quiet", ["ins"]],
      ["loud", ["ins", "s.loud.replies"]],
    ],
  );
});

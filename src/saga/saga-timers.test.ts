/** When timers fire, and when they do not. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event, timer } from "../schema/message-type.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { badMessage } from "../service/failure.ts";
import { service } from "../service/service.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { openTestService, type TestService } from "../testing/test-service.ts";
import { abort, after, at, cancel, end, step, type Reaction } from "./actions.ts";
import { saga, type Saga } from "./saga.ts";

const MINUTE_MS = 60_000;
const item = z.object({ id: z.string(), n: z.number() });
const byId = { key: (data: { readonly id: string }) => data.id };
const Go = event("go", item, byId);
const Stop = event("stop", item, byId);
const Due = timer("due", item);
const Other = timer("other", item);
const ins = stream("ins", { Go, Stop }, { partitions: 2 });

type Fired = [name: string, id: string, n: number, time: number];

/** A saga that sets `Due` for a minute at each Go and does at Stop as it is told. */
function reminder(
  fired: Fired[],
  stop: (e: { id: string; n: number }) => Reaction<any> = () => [],
): Saga {
  return saga("reminder", { from: ins, timers: { Due, Other }, initial: {} })
    .evolve({})
    .react({
      Go: (e) => after("1m", Due(e)),
      Stop: stop,
      Due: (e, _, { instance, time }) => void fired.push(["due", instance, e.n, time]),
      Other: (e, _, { instance, time }) => void fired.push(["other", instance, e.n, time]),
    });
}

async function go(stage: TestService, id: string, n = 1): Promise<void> {
  await stage.publish(Go({ id, n }));
  await stage.settled();
}

test("a timer fires when it is due, once, and its time is that moment", async () => {
  const fired: Fired[] = [];
  await using stage = await openTestService({ service: service("s", { saga: reminder(fired) }) });
  const { clock } = stage.environment;
  await go(stage, "a");
  const dueMs = clock.now() + MINUTE_MS;
  const { timers } = await stage.running.showSaga("reminder", "a");
  assert.ok(Math.abs(timers[0]!.dueMs - dueMs) < 1000);
  await clock.advance(timers[0]!.dueMs - clock.now() - 1);
  await stage.settled();
  assert.deepEqual(fired, []);
  await clock.advance(1);
  await stage.settled();
  assert.deepEqual(fired, [["due", "a", 1, timers[0]!.dueMs]]);
  await clock.advance(10 * MINUTE_MS);
  assert.equal(fired.length, 1);
});

test("a timer that is set again replaces the one before", async () => {
  const fired: Fired[] = [];
  await using stage = await openTestService({ service: service("s", { saga: reminder(fired) }) });
  const { clock } = stage.environment;
  await go(stage, "a", 1);
  await clock.advance(30_000);
  await go(stage, "a", 2);
  await clock.advance(40_000);
  await stage.settled();
  assert.equal(fired.length, 0);
  await clock.advance(20_000);
  await stage.settled();
  assert.deepEqual(
    fired.map(([, , n]) => n),
    [2],
  );
});

test("a cancelled timer does not fire, and an instance that ends takes its timers along", async () => {
  const fired: Fired[] = [];
  const stop = ({ id, n }: { readonly id: string; readonly n: number }): Reaction =>
    id === "ended" ? end() : [cancel(Due), after("2m", Other({ id, n }))];
  await using stage = await openTestService({
    service: service("s", { saga: reminder(fired, stop) }),
  });
  for (const id of ["ended", "cancelled", "left"]) await go(stage, id);
  await stage.publish([Stop({ id: "ended", n: 1 }), Stop({ id: "cancelled", n: 1 })]);
  await stage.settled();
  assert.deepEqual(
    (await stage.store.listTimers("reminder")).map(({ instance, name }) => [instance, name]),
    [
      ["cancelled", "other"],
      ["left", "due"],
    ],
  );
  await stage.environment.clock.advance(3 * MINUTE_MS);
  await stage.settled();
  assert.deepEqual(
    fired.map(([name, id]) => [name, id]),
    [
      ["due", "left"],
      ["other", "cancelled"],
    ],
  );
  // What comes after the end does not begin the instance anew.
  await go(stage, "ended", 2);
  assert.equal((await stage.running.showSaga("reminder", "ended")).status, "ended");
  assert.deepEqual((await stage.running.status())[0]!.ignored, { go: 1 });
});

test("a clock that is set forward fires what is due by it, one that is set back puts it off", async () => {
  const fired: Fired[] = [];
  const environment = createTestEnvironment();
  const { clock } = environment;
  await using stage = await openTestService({
    service: service("s", { saga: reminder(fired) }),
    environment,
  });
  await go(stage, "forward");
  clock.set(clock.now() + 5 * MINUTE_MS);
  await clock.advance(0);
  await stage.settled();
  assert.deepEqual(
    fired.map(([, id]) => id),
    ["forward"],
  );
  await go(stage, "back");
  clock.set(clock.now() - 2 * MINUTE_MS);
  await clock.advance(2 * MINUTE_MS);
  await stage.settled();
  assert.equal(fired.length, 1);
  await clock.advance(MINUTE_MS + 1000);
  await stage.settled();
  assert.deepEqual(
    fired.map(([, id]) => id),
    ["forward", "back"],
  );
});

test("a moment that is past fires at once, and an earlier timer does not wait for a later one", async () => {
  const fired: Fired[] = [];
  const stop = ({ id, n }: { readonly id: string; readonly n: number }): Reaction =>
    at(n, Other({ id, n }));
  await using stage = await openTestService({
    service: service("s", { saga: reminder(fired, stop) }),
  });
  const { clock } = stage.environment;
  await go(stage, "a");
  await stage.publish(Stop({ id: "b", n: clock.now() + 300 }));
  await stage.publish(Stop({ id: "c", n: 5 }));
  await stage.settled();
  assert.deepEqual(
    fired.map(([, id]) => id),
    ["c"],
  );
  await clock.advance(300);
  await stage.settled();
  assert.deepEqual(
    fired.map(([, id]) => id),
    ["c", "b"],
  );
});

test("many timers of one moment all fire, in bounded reads", async () => {
  const fired: Fired[] = [];
  const limits: number[] = [];
  await using stage = await openTestService({
    service: service("s", { saga: reminder(fired) }),
    wrap: ({ broker, store }) => ({
      broker,
      store: new Proxy(store, {
        get(target, name) {
          const member: unknown = Reflect.get(target, name, target);
          if (typeof member !== "function") return member;
          return (...given: any[]): unknown => {
            if (name === "dueTimers") limits.push(given[1].limit);
            return Reflect.apply(member, target, given);
          };
        },
      }),
    }),
  });
  const ids = Array.from({ length: 3000 }, (_, n) => `i${n}`);
  await stage.publish(ids.map((id) => Go({ id, n: 0 })));
  await stage.settled();
  await stage.environment.clock.advance(2 * MINUTE_MS);
  await stage.settled();
  assert.deepEqual(fired.map(([, id]) => id).toSorted(), ids.toSorted());
  assert.ok(Math.max(...limits) <= 1024 + 256, `${Math.max(...limits)} at once`);
});

test("a timer that cannot be handled parks, its key waits, and redrive goes on", async () => {
  const fired: Fired[] = [];
  let broken = true;
  const part = saga("fragile", { from: ins, timers: { Due }, initial: {} })
    .evolve({})
    .react({
      Go: (e) => after("1m", Due(e)),
      Due: (e, _, { instance, time }) => {
        if (broken && instance === "bad") throw badMessage("this one is not to be");
        fired.push(["due", instance, e.n, time]);
      },
    });
  await using stage = await openTestService({ service: service("s", { part }) });
  await go(stage, "bad");
  await go(stage, "good");
  await stage.environment.clock.advance(2 * MINUTE_MS);
  await stage.settled();
  assert.deepEqual(
    fired.map(([, id]) => id),
    ["good"],
  );
  const parked = await stage.running.listParked("fragile");
  assert.deepEqual(
    parked.map(({ input, key, cause }) => [input, key, cause?.message]),
    [["timers", "bad", "this one is not to be"]],
  );
  assert.deepEqual(await stage.store.listTimers("fragile"), []);
  broken = false;
  await stage.running.redriveParked("all");
  await stage.settled();
  assert.deepEqual(
    fired.map(([, id]) => id),
    ["good", "bad"],
  );
});

test("the status shows timers that are due as lag, and a paused part leaves them where they are", async () => {
  const fired: Fired[] = [];
  const broker = memoryBroker();
  const store = memoryStore();
  const environment = createTestEnvironment();
  const s = service("s", { saga: reminder(fired) });
  await using stage = await openTestService({ service: s, broker, store, environment });
  await go(stage, "a");
  const lag = async (): Promise<number | undefined> =>
    (await stage.running.status())[0]!.inputs.find(({ input }) => input === "timers")?.lag;
  assert.equal(await lag(), 0);
  await stage.running.pause("reminder", { by: "ops", sinceMs: 0, why: "a look" });
  await environment.clock.advance(2 * MINUTE_MS);
  assert.deepEqual(fired, []);
  assert.equal((await stage.store.listTimers("reminder")).length, 1);
  await stage.running.resume("reminder");
  await stage.settled();
  assert.equal(fired.length, 1);
});

test("only the process that has the lease fires, and another takes over when it is gone", async () => {
  const fired: Fired[] = [];
  const store = memoryStore();
  const environment = createTestEnvironment();
  const options = { service: service("s", { saga: reminder(fired) }), store, environment };
  await using stage = await openTestService(options);
  await go(stage, "a");
  const opened = stage.store;
  assert.equal(await opened.leaseLane("/timers/reminder", "another", 90_000), false);
  await environment.clock.advance(16_000);
  assert.equal(await opened.leaseLane("/timers/reminder", "another", 90_000), true);
  await environment.clock.advance(70_000);
  assert.deepEqual(fired, []);
  await stage.settled();
  await environment.clock.advance(21_000);
  await stage.settled();
  assert.equal(fired.length, 1);
});

const Ask = command("ask", item, byId);
const Take = command("take", item, byId);
const Give = command("give", item, byId);
const slow = queue("slow", { Ask });
const quick = queue("quick", { Take, Give });

/** Takes, then asks somebody slow; what is done is noted, the slow answer comes when it is released. */
function impatient(deadline?: "1m") {
  const done: string[] = [];
  const released = Promise.withResolvers<void>();
  const part = saga("impatient", { from: ins, sends: [slow, quick], initial: {} })
    .evolve({})
    .react({
      Go: (e) => step(Take(e), { undo: Give(e) }),
      Stop: () => abort("asked to"),
    })
    .answers({
      Take: (_, __, { instance: id }) => step(Ask({ id, n: 1 }), deadline && { deadline }),
    });
  const desk = consumer("desk", { from: quick }).handle({
    Take: () => void done.push("take"),
    Give: () => void done.push("give"),
  });
  const late = consumer("late", { from: slow }).handle({
    Ask: async () => {
      await released.promise;
      done.push("ask");
    },
  });
  return { done, released, service: service("s", { part, desk, late }) };
}

// proves: saga
test("a step that is not answered in time aborts the saga", async () => {
  const { done, released, service: s } = impatient("1m");
  await using stage = await openTestService({ service: s });
  await stage.publish(Go({ id: "a", n: 1 }));
  await stage.environment.clock.advance(2 * MINUTE_MS);
  assert.deepEqual(done, ["take", "give"]);
  const { status, aborted } = await stage.running.showSaga("impatient", "a");
  assert.deepEqual([status, aborted], ["ended", "ask was not answered in time"]);
  released.resolve();
  await stage.settled();
  assert.equal((await stage.running.showSaga("impatient", "a")).status, "ended");
});

// proves: saga
test("an answer that comes after the abort is passed over, and counted", async () => {
  const { done, released, service: s } = impatient();
  await using stage = await openTestService({ service: s });
  await stage.publish(Go({ id: "a", n: 1 }));
  await stage.environment.clock.advance(1000);
  await stage.publish(Stop({ id: "a", n: 1 }));
  await stage.environment.clock.advance(1000);
  assert.deepEqual(done, ["take", "give"]);
  const before = await stage.running.showSaga("impatient", "a");
  released.resolve();
  await stage.settled();
  assert.deepEqual(done, ["take", "give", "ask"]);
  assert.deepEqual(await stage.running.showSaga("impatient", "a"), before);
  assert.deepEqual((await stage.running.status())[0]!.ignored, { "millrace.reply": 1 });
});

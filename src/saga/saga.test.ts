/** Sagas at work, on virtual time: in memory, and on files with the embedded broker and SQLite. */

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";
import { embedded } from "../embedded/embedded.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event, timer } from "../schema/message-type.ts";
import { reject } from "../service/ask/answer.ts";
import { consumer } from "../service/consumer/consumer.ts";
import type { Part } from "../service/part.ts";
import { service } from "../service/service.ts";
import { sqlite } from "../stores/sqlite/sqlite.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { realIo } from "../testing/real-io.ts";
import {
  openTestService,
  type TestService,
  type TestServiceOptions,
} from "../testing/test-service.ts";
import { abort, after, step } from "./actions.ts";
import { saga } from "./saga.ts";

const order = z.object({ id: z.string() });
const byId = { key: (data: { readonly id: string }) => data.id };
const Placed = event("order.placed", order, byId);
const Paid = event("order.paid", order, byId);
const Closed = event("order.closed", order, byId);
const Take = command("payment.take", order, { ...byId, refuses: ["no-money"] });
const Give = command("payment.give", order, { ...byId, refuses: ["not-now"] });
const Reserve = command("stock.reserve", order, byId);
const Release = command("stock.release", order, byId);
const Ship = command("order.ship", order, { ...byId, refuses: ["no-ship"] });
const Cancel = command("order.cancel", order, byId);
const PaymentDue = timer("payment.due", order);
const orders = stream("orders", { Placed, Paid, Closed }, { partitions: 2 });
const work = queue("work", { Take, Give, Reserve, Release, Ship, Cancel }, { attempts: 3 });

type Commands = "Take" | "Give" | "Reserve" | "Release" | "Ship" | "Cancel";
type Done = [what: Commands, id: string];

/** A part that does what it is told, and notes it; a deviation says what happens instead. */
function workerOf(done: Done[], deviations: Partial<Record<Commands, () => any>> = {}): Part {
  const handle = (what: Commands) => (data: { readonly id: string }) => {
    const result = deviations[what]?.();
    if (result === undefined) done.push([what, data.id]);
    return result;
  };
  return consumer("worker", { from: work }).handle({
    Take: handle("Take"),
    Give: handle("Give"),
    Reserve: handle("Reserve"),
    Release: handle("Release"),
    Ship: handle("Ship"),
    Cancel: handle("Cancel"),
  });
}

/** Take, Reserve, Ship; each but the last with its undo. */
const process = saga("process", { from: orders, sends: work, initial: {} })
  .evolve({})
  .react({ Placed: (e) => step(Take(e), { undo: Give(e), deadline: "10m" }) })
  .answers({
    Take: (answer, _, { instance: id }) =>
      answer.ok ? step(Reserve({ id }), { undo: Release({ id }) }) : abort(answer.refusal.code),
    Reserve: (_, __, { instance: id }) => step(Ship({ id })),
  });

const checkout = saga("checkout", {
  from: orders,
  timers: { PaymentDue },
  sends: work,
  initial: { paid: false },
})
  .evolve({ Paid: () => ({ paid: true }) })
  .react({
    Placed: (e) => after("30m", PaymentDue(e)),
    PaymentDue: (e, s) => (s.paid ? [] : Cancel(e)),
  });

type Open = (options: Pick<TestServiceOptions, "service">) => Promise<TestService>;

/** The same test on both stacks; `open` may be called again, for a restart. */
function onBothStacks(title: string, run: (open: Open) => Promise<void>): void {
  test(`${title}, in memory`, async () => {
    const stack = {
      environment: createTestEnvironment(),
      broker: memoryBroker(),
      store: memoryStore(),
    };
    await run((options) => openTestService({ ...stack, ...options }));
  });
  test(`${title}, on files`, async () => {
    const directory = await mkdtemp(join(tmpdir(), "millrace-saga-"));
    try {
      const stack = {
        environment: createTestEnvironment(),
        broker: embedded({ directory: join(directory, "broker") }),
        store: sqlite({ directory: join(directory, "stores") }),
        run: { io: realIo },
      };
      await run((options) => openTestService({ ...stack, ...options }));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
}

// proves: workflow
onBothStacks(
  "a timer survives a restart, fires once, and sees what came before it",
  async (open) => {
    const done: Done[] = [];
    const shop = service("shop", { checkout, worker: workerOf(done) });
    {
      await using stage = await open({ service: shop });
      await stage.publish([Placed({ id: "paid" }), Placed({ id: "unpaid" }), Paid({ id: "paid" })]);
      await stage.settled();
      const { timers } = await stage.until(stage.running.showSaga("checkout", "unpaid"));
      assert.deepEqual(
        timers.map(({ name, type }) => [name, type]),
        [["payment.due", "payment.due"]],
      );
    }
    await using stage = await open({ service: shop });
    await stage.environment.clock.advance(29 * 60_000);
    await stage.settled();
    assert.deepEqual(done, []);
    await stage.environment.clock.advance(60_000);
    await stage.settled();
    assert.deepEqual(done, [["Cancel", "unpaid"]]);
    assert.deepEqual(await stage.until(stage.store.listTimers("checkout")), []);
  },
);

// proves: saga
onBothStacks("a refusal undoes the steps before it, the newest first", async (open) => {
  const done: Done[] = [];
  const worker = workerOf(done, { Ship: () => reject("no-ship") });
  await using stage = await open({ service: service("shop", { process, worker }) });
  await stage.publish(Placed({ id: "o1" }));
  await stage.settled();
  assert.deepEqual(
    done.map(([what]) => what),
    ["Take", "Reserve", "Release", "Give"],
  );
  const shown = await stage.until(stage.running.showSaga("process", "o1"));
  assert.equal(shown.status, "ended");
  assert.equal(shown.aborted, "order.ship was refused: no-ship");
  assert.deepEqual(
    shown.steps.map(({ type, state, undo }) => [type, state, undo]),
    [
      ["payment.take", "undone", "payment.give"],
      ["stock.reserve", "undone", "stock.release"],
      ["order.ship", "refused", undefined],
    ],
  );
  assert.deepEqual([shown.timers, shown.undoStack], [[], []]);
});

// proves: saga
test("an undo that is refused needs a person, and a retry goes on where it stood", async () => {
  const done: Done[] = [];
  let closed = true;
  const worker = workerOf(done, {
    Ship: () => reject("no-ship"),
    Give: () => (closed ? reject("not-now") : undefined),
  });
  await using stage = await openTestService({ service: service("shop", { process, worker }) });
  await stage.publish([Placed({ id: "o1" }), Placed({ id: "o2" })]);
  await stage.settled();
  const { running } = stage;
  const { instances } = await running.listSagas("process", { status: "stuck", limit: 1 });
  assert.deepEqual(
    instances.map(({ instance, stuck }) => [instance, stuck]),
    [["o1", "payment.give, which undoes step 1 (payment.take), was refused: not-now"]],
  );
  await assert.rejects(running.retrySaga("process", "none"), { code: "NOT_FOUND" });
  await assert.rejects(running.retrySaga("nobody", "o1"), { code: "NOT_FOUND" });
  closed = false;
  await running.retrySaga("process", "o1");
  await stage.settled();
  assert.deepEqual(done.at(-1), ["Give", "o1"]);
  await assert.rejects(running.retrySaga("process", "o1"), { code: "CONFLICT" });
  const all = await running.listSagas("process");
  assert.deepEqual(
    all.instances.map(({ instance, status }) => [instance, status]),
    [
      ["o1", "ended"],
      ["o2", "stuck"],
    ],
  );
});

// proves: saga
test("an undo that its queue gave up makes the saga stuck; redriven there, the saga goes on", async () => {
  const done: Done[] = [];
  let broken = true;
  const worker = workerOf(done, {
    Ship: () => reject("no-ship"),
    Give: () => {
      if (broken) throw new Error("the bank's library is broken");
    },
  });
  await using stage = await openTestService({ service: service("shop", { process, worker }) });
  await stage.publish(Placed({ id: "o1" }));
  await stage.settled();
  assert.equal((await stage.running.showSaga("process", "o1")).status, "compensating");
  await stage.environment.clock.advance(11 * 60_000);
  await stage.settled();
  const { status, stuck } = await stage.running.showSaga("process", "o1");
  assert.equal(status, "stuck");
  assert.match(stuck ?? "", /was not answered in time; is it among the dead letters/);
  // Sent again it reaches nobody new, because it is kept as a dead letter; and it is not done twice.
  broken = false;
  await stage.running.retrySaga("process", "o1");
  await stage.settled();
  assert.equal((await stage.running.showSaga("process", "o1")).status, "ended");
  const letters = await stage.broker.queues!.listDeadLetters("work");
  assert.equal(letters.length, 1);
  await stage.broker.queues!.redriveDeadLetters("work", "all");
  await stage.settled();
  assert.deepEqual(
    done.filter(([what]) => what === "Give"),
    [["Give", "o1"]],
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { queue, stream } from "../../schema/channel.ts";
import { command, event } from "../../schema/message-type.ts";
import { decider } from "../../sourcing/decider.ts";
import { view } from "../../sourcing/view.ts";
import { openTestService } from "../../testing/test-service.ts";
import { consumer } from "../consumer/consumer.ts";
import { document } from "../consumer/document.ts";
import type { Part } from "../part.ts";
import { service } from "../service.ts";

const orderId = z.object({ orderId: z.string() });
const Place = command("order.place", orderId, { key: (c) => c.orderId });
const Placed = event("order.placed", orderId.extend({ nonce: z.string() }), {
  key: (e) => e.orderId,
});
const desk = queue("desk", { Place });
const orders = stream("orders", { Placed });
const notes = document<{ nonce: string; times: number }>("note");

/** Runs the part with everything handled twice; returns why its message was parked, if it was. */
async function handledTwice(part: Part): Promise<string | undefined> {
  await using shop = await openTestService({
    service: service("shop", { part }),
    handleTwice: true,
  });
  await shop.publish(Placed({ orderId: "a", nonce: "n" }));
  await shop.settled();
  const [parked] = await shop.running.listParked(part.name);
  const [status] = await shop.running.status();
  assert.equal(status!.handled, parked === undefined ? 1 : 0);
  assert.ok(parked === undefined || parked.cause?.code === "NOT_REPEATABLE", parked?.cause?.code);
  return parked?.cause?.message;
}

test("a handler that takes ids, time and answers from its context passes a double run", async () => {
  let calls = 0;
  const honest = consumer("honest", { from: orders, docs: { notes } }).handle({
    Placed: async (e, { newId, random, now, effect, docs }) => {
      const answer = await effect("call", () => ++calls);
      docs.notes.put(e.orderId, { nonce: `${newId()} ${random()} ${now}`, times: answer });
    },
  });
  assert.equal(await handledTwice(honest), undefined);
  assert.equal(calls, 1);
});

// proves: stable-identifiers
test("a fold or handler that keeps something between two calls is exposed, and what differed is named", async () => {
  let folds = 0;
  const cheating = view("cheating", { from: orders, initial: { n: 0 } }).evolve({
    Placed: () => ({ n: ++folds }),
  });
  const difference = await handledTwice(cheating);
  assert.match(difference ?? "", /view "cheating" decided differently/);
  assert.match(
    difference ?? "",
    /writes\.documents\.0\.json for key a was \{"n":\d+\}, then \{"n":\d+\}/,
  );

  const drawn = consumer("drawn", { from: orders, docs: { notes } }).handle({
    Placed: (e, { docs }) => {
      docs.notes.put(e.orderId, { nonce: `nonce ${++folds}`, times: 1 });
    },
  });
  assert.match((await handledTwice(drawn)) ?? "", /consumer "drawn" .*"nonce \d/s);
});

test("a decider's commands are decided once for all their double runs", async () => {
  const order = decider("order", { commands: desk, events: { Placed }, initial: { count: 0 } })
    .evolve({ Placed: (s) => ({ count: s.count + 1 }) })
    .decide({ Place: (c, _, { newId }) => Placed({ ...c, nonce: newId() }) });
  await using shop = await openTestService({
    service: service("shop", { order }),
    handleTwice: true,
  });
  await shop.publish([Place({ orderId: "a" }), Place({ orderId: "a" }), Place({ orderId: "b" })]);
  await shop.settled();
  assert.equal((await shop.running.stateOf("order", "a")).version, 2);
  assert.equal((await shop.running.stateOf("order", "b")).version, 1);
});

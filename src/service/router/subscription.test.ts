import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../../memory/broker.ts";
import { memoryStore } from "../../memory/store.ts";
import { stream } from "../../schema/channel.ts";
import type { Channel } from "../../schema/declaration.ts";
import { event } from "../../schema/message-type.ts";
import { subscription } from "../../schema/subscription.ts";
import { createTestEnvironment } from "../../testing/environment.ts";
import { openTestService } from "../../testing/test-service.ts";
import { consumer } from "../consumer/consumer.ts";
import { service } from "../service.ts";

const order = z.object({ orderId: z.string(), total: z.number() });
const OrderPlaced = event("order.placed", order, { key: (e) => e.orderId });
const OrderPaid = event("order.paid", order, { key: (e) => e.orderId });
const CartFilled = event("cart.filled", order, { key: (e) => e.orderId });
const orders = stream("orders", { OrderPlaced, OrderPaid, CartFilled }, { partitions: 2 });

const placed = (orderId: string, total: number) => OrderPlaced({ orderId, total });

/** A consumer that notes what comes through its subscription. */
function noting(name: string, from: Channel, seen: string[]) {
  const note = async ({ orderId }: { orderId: string }): Promise<void> => void seen.push(orderId);
  const handlers = { OrderPlaced: note, OrderPaid: note, CartFilled: note };
  // The channel is given by the test, so its types are not known here.
  const declared: any = consumer(name, { from });
  return declared.handle(handlers);
}

// proves: topics-with-rules
test("a filter admits only matches, and an action sets attributes that handlers see", async () => {
  const large = subscription("large", {
    from: orders,
    types: ["order.*"],
    where: (data, { type }) => type === "order.paid" || data.total >= 100,
    set: (data) => ({ size: data.total >= 1000 ? "huge" : "large" }),
  });
  const seen: unknown[] = [];
  const desk = consumer("desk", { from: large }).handle({
    OrderPlaced: (data, { attributes, key, time, actor }) =>
      void seen.push(["placed", data.orderId, attributes, key, time, actor]),
    OrderPaid: (data, { attributes }) => void seen.push(["paid", data.orderId, attributes]),
  });
  await using app = await openTestService({ service: service("s", { desk }) });
  const drafts = [
    placed("a", 99),
    placed("b", 100),
    OrderPaid({ orderId: "c", total: 1 }),
    CartFilled({ orderId: "d", total: 5000 }),
    placed("e", 2000),
  ];
  await app.publish(drafts, { time: 1_700_000_000_000, actor: "ada" });
  await app.settled();
  assert.deepEqual(
    seen.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)),
    [
      ["paid", "c", { size: "large" }],
      ["placed", "b", { size: "large" }, "b", 1_700_000_000_000, "ada"],
      ["placed", "e", { size: "huge" }, "e", 1_700_000_000_000, "ada"],
    ],
  );
  const feed = (await app.until(app.running.status())).find(({ name }) => name === "large.feed");
  assert.deepEqual(
    [feed?.kind, feed?.handled, feed?.ignored],
    ["subscription", 3, { "order.placed": 1, "cart.filled": 1 }],
  );
});

// proves: fan-out-to-queues
test("every subscriber has a queue of its own, and a slow one keeps nobody waiting", async () => {
  const seen: Record<"fast" | "slow", string[]> = { fast: [], slow: [] };
  const parts = {
    fast: noting("fast", subscription("fast-queue", { from: orders }), seen.fast),
    slow: consumer("slow", {
      from: subscription("slow-queue", { from: orders, attempts: 2 }),
      policy: { backoffMs: 1_000 },
    }).handle({
      OrderPlaced: ({ orderId }) => {
        if (orderId === "o7") throw new Error("the slow one cannot take this");
        seen.slow.push(orderId);
      },
    }),
  };
  await using app = await openTestService({ service: service("s", parts) });
  const ids = Array.from({ length: 20 }, (_, index) => `o${index}`);
  await app.publish(ids.map((id) => placed(id, 1)));
  await app.settled();
  // The queue brings the message that failed again by itself.
  await app.environment.clock.advance(5_000);
  assert.deepEqual(seen.fast.toSorted(), ids.toSorted());
  assert.deepEqual(seen.slow.toSorted(), ids.filter((id) => id !== "o7").toSorted());
  const queues = app.broker.queues!;
  const dead = await app.until(queues.listDeadLetters("slow-queue"));
  assert.deepEqual([dead.length, dead[0]?.attempts], [1, 2]);
  assert.equal((await app.until(queues.describeQueue("fast-queue"))).deadLetters, 0);
});

// proves: topics-with-rules
test("a subscription that is removed leaves the others intact, before and after a restart", async () => {
  const environment = createTestEnvironment();
  const broker = memoryBroker();
  const store = memoryStore();
  const stays = subscription("stays", { from: orders });
  const goes = subscription("goes", { from: orders });
  const seen: Record<"stays" | "goes", string[]> = { stays: [], goes: [] };
  const both = service("s", {
    a: noting("a", stays, seen.stays),
    b: noting("b", goes, seen.goes),
  });
  {
    await using app = await openTestService({ service: both, broker, store, environment });
    await app.publish([placed("one", 1)]);
    await app.settled();
    await app.until(app.broker.queues!.deleteQueue("goes"));
    await app.publish([placed("two", 1)]);
    await environment.clock.advance(5_000);
    assert.deepEqual(seen.stays, ["one", "two"]);
    const feed = (await app.until(app.running.status())).find(({ name }) => name === "goes.feed");
    const troubles = feed?.inputs.flatMap(({ unpublished }) => unpublished ?? []);
    assert.match(troubles?.join() ?? "", /goes/, "the status says which queue takes nothing");
  }
  const alone = service("s", { a: noting("a", stays, seen.stays) });
  await using app = await openTestService({ service: alone, broker, store, environment });
  await app.publish([placed("three", 1)], {});
  await environment.clock.advance(5_000);
  assert.deepEqual(seen.stays, ["one", "two", "three"]);
  assert.deepEqual(seen.goes, ["one"]);
});

test("a copy keeps the payload's bytes, and names what it is a copy of", async () => {
  const environment = createTestEnvironment();
  const broker = memoryBroker();
  const copies = subscription("copies", { from: orders, where: { tier: "gold" } });
  await using app = await openTestService({
    service: service("s", { part: noting("part", copies, []) }),
    broker,
    environment,
  });
  const client = await broker.open(environment);
  await app.until(app.running.stop());
  // No JSON that this program would write: what a stranger wrote is passed on as it came.
  const text = '{ "orderId":"x",   "total":1.50 }';
  const headers: [string, string][] = [
    ["ce_specversion", "1.0"],
    ["ce_id", "stranger-1"],
    ["ce_source", "/shop"],
    ["ce_type", "order.placed"],
    ["ce_tier", "gold"],
    ["content-type", "application/json"],
    ["x-other", "kept"],
  ];
  await app.until(
    client.streams!.append("orders", [
      { key: "x", headers, value: new TextEncoder().encode(text) },
    ]),
  );
  const { feederOf } = await import("./feeder.ts");
  await using feeding = await openTestService({
    service: { name: "s", parts: [feederOf(copies)] },
    broker,
    environment,
  });
  await feeding.settled();
  const receiver = await feeding.until(client.queues!.receive("copies", { credit: 1 }));
  const { value: leases } = await feeding.until(receiver[Symbol.asyncIterator]().next());
  const { message } = leases[0];
  const sent = new Map<string, unknown>(message.headers);
  assert.equal(new TextDecoder().decode(message.value), text);
  assert.equal(message.key, "x");
  assert.deepEqual(
    ["ce_causationid", "ce_correlationid", "ce_source", "ce_tier", "x-other"].map((name) =>
      sent.get(name),
    ),
    ["stranger-1", "stranger-1", "s", "gold", "kept"],
  );
  assert.match(String(sent.get("ce_id")), /^[0-9a-f]{8}-[0-9a-f]{4}-7/);
});

test("two parts of one program cannot read one subscription", async () => {
  const shared = subscription("shared", { from: orders });
  const parts = { a: noting("a", shared, []), b: noting("b", shared, []) };
  await assert.rejects(openTestService({ service: service("s", parts) }), /queue "shared" is read/);
});

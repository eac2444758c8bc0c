import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { view } from "../sourcing/view.ts";
import { openTestService } from "../testing/test-service.ts";
import { consumer } from "./consumer/consumer.ts";
import { document } from "./consumer/document.ts";
import { service } from "./service.ts";

const orderId = z.object({ orderId: z.string() });
const OrderPlaced = event("order.placed", orderId.extend({ total: z.number() }), {
  key: (e) => e.orderId,
});
const OrderPaid = event("order.paid", orderId, { key: (e) => e.orderId });
const CancelOrder = command("order.cancel", orderId, { key: (c) => c.orderId });
const OrderRefunded = event("order.refunded", orderId, { key: (e) => e.orderId });
const orders = stream("orders", { OrderPlaced, OrderPaid }, { partitions: 3 });
const payments = stream("payments", { OrderRefunded }, { partitions: 2 });
const cancels = queue("cancels", { CancelOrder });

const totals = view("totals", {
  from: orders,
  initial: { total: 0, paid: false, count: 0 },
  index: ["total", "paid"],
}).evolve({
  OrderPlaced: (s, e) => ({ ...s, total: s.total + e.total, count: s.count + 1 }),
  OrderPaid: (s) => ({ ...s, paid: true }),
});

test("events become documents that can be read and found", async () => {
  await using shop = await openTestService({ service: service("shop", { totals }) });
  const drafts = Array.from({ length: 200 }, (_, i) =>
    OrderPlaced({ orderId: `o${i % 20}`, total: i }),
  );
  await shop.publish(drafts);
  await shop.publish(OrderPaid({ orderId: "o3" }));
  await shop.settled();
  assert.deepEqual(await shop.running.get("totals", "o3"), {
    total: 3 + 23 + 43 + 63 + 83 + 103 + 123 + 143 + 163 + 183,
    paid: true,
    count: 10,
  });
  const found = await shop.running.find("totals", { where: { paid: true } });
  assert.deepEqual(
    found.documents.map(({ id }) => id),
    ["o3"],
  );
});

test("a command is handled, its document kept and its event published and seen", async () => {
  const refund = document<{ done: boolean }>("refund", { index: ["done"] });
  const calls: string[] = [];
  const refunds = consumer("refunds", {
    from: cancels,
    publishes: payments,
    docs: { refund },
  }).handle({
    CancelOrder: async (c, { id, emit, docs }) => {
      calls.push(id);
      const known = await docs.refund.get(c.orderId);
      if (known?.done) return;
      docs.refund.put(c.orderId, { done: true });
      emit(OrderRefunded(c));
    },
  });
  const refunded = view("refunded", { from: payments, initial: { times: 0 } }).evolve({
    OrderRefunded: (s) => ({ times: s.times + 1 }),
  });
  await using shop = await openTestService({ service: service("shop", { refunds, refunded }) });
  await shop.publish([
    CancelOrder({ orderId: "a" }),
    CancelOrder({ orderId: "b" }),
    CancelOrder({ orderId: "a" }),
  ]);
  await shop.settled();
  assert.equal(calls.length, 3);
  assert.deepEqual(await shop.running.get("refunded", "a"), { times: 1 });
  assert.deepEqual(await shop.running.get("refunded", "b"), { times: 1 });
  const { waiting, leased } = await shop.broker.queues!.describeQueue("cancels");
  assert.deepEqual({ waiting, leased }, { waiting: 0, leased: 0 });
});

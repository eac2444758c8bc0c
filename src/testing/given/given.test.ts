import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { after, cancel, end, step } from "../../saga/actions.ts";
import { saga } from "../../saga/saga.ts";
import { queue, stream } from "../../schema/channel.ts";
import { command, event, timer } from "../../schema/message-type.ts";
import { reject, reply } from "../../service/ask/answer.ts";
import { decider } from "../../sourcing/decider.ts";
import { view } from "../../sourcing/view.ts";
import { given } from "./given.ts";

const orderId = z.object({ orderId: z.string() });
const OrderPlaced = event("order.placed", orderId.extend({ total: z.number().positive() }), {
  key: (e) => e.orderId,
});
const OrderPaid = event("order.paid", orderId.extend({ by: z.string().optional() }), {
  key: (e) => e.orderId,
});
const PlaceOrder = command("order.place", orderId.extend({ total: z.number() }), {
  key: (c) => c.orderId,
  refuses: ["already-placed"],
});
const PayOrder = command("order.pay", orderId, {
  key: (c) => c.orderId,
  refuses: ["not-placed"],
  replies: z.object({ receipt: z.string() }),
});
const orders = stream("orders", { OrderPlaced, OrderPaid });
const desk = queue("desk", { PlaceOrder, PayOrder });
const fresh: { status: "new" | "placed" | "paid"; at: number } = { status: "new", at: 0 };

const order = decider("order", {
  commands: desk,
  events: { OrderPlaced, OrderPaid },
  publishes: orders,
  initial: fresh,
})
  .evolve({
    OrderPlaced: (s, _, { time }) => ({ ...s, status: "placed", at: time }),
    OrderPaid: (s) => ({ ...s, status: "paid" }),
  })
  .decide({
    PlaceOrder: (c, s) => (s.status === "new" ? OrderPlaced(c) : reject("already-placed")),
    PayOrder: (c, s, { actor, now }) =>
      s.status === "placed"
        ? reply({ receipt: `r${now - s.at}` }, OrderPaid({ ...c, by: actor }))
        : reject("not-placed"),
  });
const placed = OrderPlaced({ orderId: "o1", total: 5 });

test("a decider's case says which events, refusal, reply or error a command leads to", () => {
  given(order)
    .when(PlaceOrder({ orderId: "o1", total: 5 }))
    .then([placed]);
  given(order, [placed])
    .when(PlaceOrder({ orderId: "o1", total: 5 }))
    .thenRefused("already-placed");
  const paying = given(order, [placed]).at("2026-01-01T09:00Z").as("ann");
  paying.when(PayOrder({ orderId: "o1" })).then([OrderPaid({ orderId: "o1", by: "ann" })]);
  paying.when(PayOrder({ orderId: "o1" })).thenReplied({ receipt: "r0" });
  given(order)
    .when(PlaceOrder({ orderId: "o1", total: -1 }))
    .thenThrows(/order.placed: total/);
  given(order, [placed]).at(7).thenState({ status: "placed", at: 7 });
});

test("a decider's case fails where the decision is another", () => {
  const placing = given(order).when(PlaceOrder({ orderId: "o1", total: 5 }));
  assert.throws(() => placing.then([]), assert.AssertionError);
  assert.throws(() => placing.thenRefused("already-placed"), assert.AssertionError);
  const again = given(order, [placed]).when(PlaceOrder({ orderId: "o1", total: 5 }));
  assert.throws(() => again.then([]), /refused: already-placed/);
  assert.throws(() => again.thenThrows(/x/), assert.AssertionError);
  const paid = given(order, [placed]).when(PayOrder({ orderId: "o1" }));
  assert.throws(() => paid.thenReplied({ receipt: "r1" }), assert.AssertionError);
});

test("what could not be published cannot be given, and a case is not awaited", async () => {
  const wrong = given(order, [OrderPlaced({ orderId: "o1", total: 0 })]);
  assert.throws(() => wrong.thenState(fresh), /order.placed: total/);
  assert.throws(() => given(order, [placed]).at("soon"), /no moment/);
  const decided: any = given(order, [placed]).when(PayOrder({ orderId: "o1" }));
  await assert.rejects(async () => decided, /without await/);
});

test("a view's case says which documents events lead to", () => {
  const totals = view("totals", {
    from: orders,
    initial: { total: 0, paid: false },
  }).evolve({
    OrderPlaced: (s, e) => ({ ...s, total: s.total + e.total }),
    OrderPaid: (s) => ({ ...s, paid: true }),
  });
  const events = [placed, OrderPlaced({ orderId: "o2", total: 1 }), OrderPaid({ orderId: "o1" })];
  given(totals, events).then("o1", { total: 5, paid: true });
  given(totals, events).then("o3", undefined);
  given(totals, events).thenAll({
    o1: { total: 5, paid: true },
    o2: { total: 1, paid: false },
  });
  assert.throws(() => given(totals, events).then("o2", undefined), assert.AssertionError);
  assert.throws(() => given(totals, events).thenAll({}), assert.AssertionError);
});

const TakePayment = command("payment.take", orderId, { key: (c) => c.orderId, refuses: ["broke"] });
const RefundPayment = command("payment.refund", orderId, { key: (c) => c.orderId });
const Ship = command("ship", orderId, { key: (c) => c.orderId, refuses: ["no-stock"] });
const payments = queue("payments", { TakePayment, RefundPayment });
const shipping = queue("shipping", { Ship });
const PaymentDue = timer("payment.due", orderId);
const checkout = saga("checkout", {
  from: orders,
  timers: { PaymentDue },
  sends: [payments, shipping],
  initial: { reminded: 0 },
})
  .evolve({ PaymentDue: (s) => ({ reminded: s.reminded + 1 }) })
  .react({
    OrderPlaced: ({ orderId }) => [
      step(TakePayment({ orderId }), { undo: RefundPayment({ orderId }), deadline: "10m" }),
      after("30m", PaymentDue({ orderId })),
    ],
    PaymentDue: (e, s) => (s.reminded < 2 ? after("30m", PaymentDue(e)) : undefined),
    OrderPaid: (e) => [cancel(PaymentDue), step(Ship({ orderId: e.orderId }))],
  })
  .answers({ Ship: (answer) => (answer.ok ? end() : []) });
const o1 = { orderId: "o1" };

test("a saga's case goes on from what it led to", () => {
  given(checkout)
    .when(placed)
    .then([TakePayment(o1), after("30m", PaymentDue(o1))])
    .when(PaymentDue(o1))
    .then([after("30m", PaymentDue(o1))])
    .thenStatus("active")
    .thenState({ reminded: 1 })
    .whenDone(TakePayment)
    .then([])
    .when(OrderPaid(o1))
    .then([cancel(PaymentDue), Ship(o1)])
    .whenDone(Ship)
    .thenStatus("ended");
});

test("a saga's case shows refusals, deadlines and the way back", () => {
  given(checkout, [placed]).whenRefused(TakePayment, "broke").then([]).thenStatus("ended");
  given(checkout, [placed])
    .whenPassed("11m")
    .then([RefundPayment(o1)])
    .thenStatus("compensating")
    .whenDone(RefundPayment)
    .thenStatus("ended");
  given(checkout, [placed]).whenPassed("9m").then([]).thenStatus("active");
  const begun = given(checkout, [placed]);
  assert.throws(() => begun.then([]), assert.AssertionError);
  assert.throws(() => begun.thenStatus("ended"), assert.AssertionError);
  assert.throws(() => begun.whenDone(Ship), /no step waits for the answer to ship/);
  assert.throws(() => begun.when(OrderPlaced({ orderId: "o1", total: 0 })), /order.placed: total/);
});

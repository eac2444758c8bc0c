/** What must compile, as DESIGN shows it, and what must not. The compiler is the judge. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { MillraceError } from "../model/errors.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { view } from "../sourcing/view.ts";
import { consumer } from "./consumer/consumer.ts";
import { document } from "./consumer/document.ts";
import { service } from "./service.ts";

const orderId = z.object({ orderId: z.string() });
const OrderPlaced = event("order.placed", orderId.extend({ total: z.number() }), {
  key: (e) => e.orderId,
  version: 2,
  upcast: { 1: (old) => ({ ...old, total: 0 }) },
});
const OrderPaid = event("order.paid", orderId, { key: (e) => e.orderId });
const CancelOrder = command("order.cancel", orderId.extend({ why: z.string() }), {
  key: (c) => c.orderId,
});
const PaymentSettled = event("payment.settled", orderId.extend({ paid: z.number() }));
const OrderRefunded = event("order.refunded", orderId);
const orders = stream("orders", { OrderPlaced, OrderPaid }, { keep: "90d", partitions: 6 });
const cancels = queue("cancels", { CancelOrder });
const payments = stream("payments", { PaymentSettled, OrderRefunded });
const bank = {
  refund: async (...asked: [unknown, { idempotencyKey: string; signal: AbortSignal }]) => asked,
};

const empty = { customerId: "", status: "open", placedAt: 0, total: 0, lines: [1] };

/** A wrong use may also be refused when it runs; here only the compiler is asked. */
function judged(declare: () => unknown): void {
  try {
    declare();
  } catch (error) {
    assert.ok(error instanceof MillraceError, String(error));
  }
}

test("the sketch of the design compiles as written", () => {
  const byCustomer = view("orders-by-customer", {
    from: [orders, payments],
    version: 2,
    initial: empty,
    index: ["customerId", "status"],
    id: { OrderPlaced: (e) => e.orderId, PaymentSettled: (e) => e.orderId },
  }).evolve({ OrderPlaced: (s, e, { time }) => ({ ...s, total: e.total, placedAt: time }) });
  const refund = document<{ at: number; state: string }>("refund", { index: ["state"] });
  const refunds = consumer("refunds", {
    from: cancels,
    publishes: payments,
    docs: { refund },
  }).handle({
    CancelOrder: async (c, { id, signal, emit, docs }) => {
      await bank.refund(c, { idempotencyKey: id, signal });
      const known = await docs.refund.get(c.orderId);
      docs.refund.put(c.orderId, { at: (known?.at ?? 0) + 1, state: "done" });
      emit(OrderRefunded(c));
    },
  });
  const shop = service("shop", { byCustomer, refunds });
  assert.deepEqual(
    shop.parts.map(({ consumer: name }) => name),
    ["orders-by-customer.v2", "refunds"],
  );
});

test("a view's folds follow its state, and misspellings do not compile", () => {
  judged(() =>
    // @ts-expect-error misspelt index field
    view("v", { from: orders, initial: empty, index: ["custmerId"] }),
  );
  judged(() =>
    // @ts-expect-error an index over what is no plain value
    view("v", { from: orders, initial: empty, index: ["lines"] }),
  );
  judged(() =>
    // @ts-expect-error misspelt option
    view("v", { from: orders, initial: empty, indx: [] }),
  );
  judged(() =>
    view("v", {
      from: orders,
      initial: empty,
      // @ts-expect-error misspelt id name
      id: { OrderPlcd: () => "x" },
    }),
  );
  judged(() =>
    view("v", { from: orders, initial: empty }).evolve({
      // @ts-expect-error misspelt handler
      OrderPlacd: (s) => s,
    }),
  );
  judged(() =>
    view("v", { from: orders, initial: empty }).evolve({
      // @ts-expect-error the next state lacks fields
      OrderPlaced: () => ({ status: "x" }),
    }),
  );
  judged(() =>
    view("v", { from: orders, initial: empty }).evolve({
      // @ts-expect-error a payload has no such field
      OrderPaid: (s, e) => ({ ...s, total: e.total }),
    }),
  );
});

test("a queue's handlers are total and a stream's are partial", () => {
  const two = queue("two", { CancelOrder, Other: command("other", orderId) });
  judged(() =>
    // @ts-expect-error the handler Other is missing
    consumer("c", { from: two }).handle({ CancelOrder: () => undefined }),
  );
  judged(() =>
    consumer("c", { from: orders }).handle({
      // @ts-expect-error misspelt handler
      OrderPayd: () => undefined,
    }),
  );
  judged(() =>
    consumer("c", { from: [orders, cancels] }).handle({
      CancelOrder: (c) => void c.why,
      OrderPaid: (e, { key, version }) => void [e.orderId, key, version],
    }),
  );
});

// proves: loose-coupling
test("only what is declared can be emitted, with its own payload", () => {
  judged(() =>
    consumer("c", { from: orders, publishes: payments }).handle({
      OrderPaid: (e, { emit }) => {
        emit(OrderRefunded(e));
        // @ts-expect-error not declared
        emit(CancelOrder({ ...e, why: "" }));
        // @ts-expect-error a wrong payload
        emit(PaymentSettled({ orderId: "a" }));
      },
    }),
  );
  judged(() =>
    consumer("c", { from: orders, publishes: payments, sends: cancels }).handle({
      OrderPaid: (e, { emit }) => {
        emit(OrderRefunded(e));
        emit(CancelOrder({ ...e, why: "" }));
        // @ts-expect-error orders is only read
        emit(OrderPaid(e));
      },
    }),
  );
  judged(() =>
    consumer("c", { from: orders }).handle({
      OrderPaid: (e, { emit }) => {
        // @ts-expect-error nothing is declared
        emit(OrderRefunded(e));
      },
    }),
  );
});

test("documents have their own type, and only those declared are in reach", () => {
  const typed = document("typed", { schema: z.object({ a: z.number() }), index: ["a"] });
  judged(() =>
    // @ts-expect-error misspelt index field
    document("typed", { schema: z.object({ a: z.number() }), index: ["b"] }),
  );
  judged(() =>
    consumer("c", { from: orders, docs: { typed } }).handle({
      OrderPaid: async (_, { docs }) => {
        const found = await docs.typed.get("x");
        docs.typed.put("x", { a: (found?.a ?? 0) + 1 });
        // @ts-expect-error wrong type
        docs.typed.put("x", { a: "1" });
        // @ts-expect-error not declared
        void docs.other;
      },
    }),
  );
});

test("two channels with one handler name, and misspelt options, do not compile", () => {
  const again = stream("again", { OrderPaid: event("again.paid", orderId) });
  judged(() =>
    // @ts-expect-error OrderPaid comes from both
    consumer("c", { from: [orders, again] }),
  );
  judged(() =>
    // @ts-expect-error OrderPaid comes from both
    view("v", { from: [orders, again], initial: empty }),
  );
  judged(() =>
    // @ts-expect-error misspelt option
    consumer("c", { from: orders, polcy: {} }),
  );
  judged(() =>
    // @ts-expect-error a queue is no stream to publish to
    consumer("c", { from: orders, publishes: cancels }),
  );
  judged(() =>
    // @ts-expect-error a part lacks its handlers
    service("s", { early: consumer("c", { from: orders }) }),
  );
});

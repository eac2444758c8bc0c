/** What must compile of deciders, and what must not. The compiler is the judge. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { MillraceError } from "../model/errors.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { reject, reply } from "../service/ask/answer.ts";
import { document } from "../service/consumer/document.ts";
import { service } from "../service/service.ts";
import { decider } from "./decider.ts";

const orderId = z.object({ orderId: z.string() });
const OrderDrafted = event("order.drafted", orderId);
const OrderPlaced = event("order.placed", orderId.extend({ total: z.number() }), {
  key: (e) => e.orderId,
});
const OrderPaid = event("order.paid", orderId, { key: (e) => e.orderId });
const OrderSeen = event("order.seen", orderId);
const PlaceOrder = command("order.place", orderId.extend({ total: z.number() }), {
  key: (c) => c.orderId,
  refuses: ["already-placed"],
});
const PayOrder = command("order.pay", orderId, {
  key: (c) => c.orderId,
  refuses: ["not-placed"],
  replies: z.object({ receipt: z.string() }),
});
const ShipOrder = command("order.ship", orderId, { key: (c) => c.orderId });
const orders = stream("orders", { OrderPlaced, OrderPaid, OrderSeen });
const orderDesk = queue("order-desk", { PlaceOrder, PayOrder });
const shipping = queue("shipping", { ShipOrder });
const fresh: { status: "new" | "placed" | "paid"; total: number } = { status: "new", total: 0 };
const shape = {
  commands: orderDesk,
  events: { OrderDrafted, OrderPlaced, OrderPaid },
  publishes: orders,
  initial: fresh,
};

const begun = decider("order", shape).evolve({
  OrderPlaced: (s, e) => ({ ...s, status: "placed", total: e.total }),
  OrderPaid: (s) => ({ ...s, status: "paid" }),
});
const order = begun.decide({
  PlaceOrder: (c, s, { now, newId, actor, random, id }) => {
    void [now.toFixed(), newId(), actor, random(), id];
    return s.status === "new" ? OrderPlaced(c) : reject("already-placed");
  },
  PayOrder: (c, s) =>
    s.status === "placed" ? reply({ receipt: "r" }, OrderPaid(c)) : reject("not-placed"),
});

/** A wrong use may also be refused when it runs; here only the compiler is asked. */
function judged(declare: () => unknown): void {
  try {
    declare();
  } catch (error) {
    assert.ok(error instanceof MillraceError, String(error));
  }
}

test("the decider of the design compiles as written, and stands in a service", () => {
  const shop = service("shop", { order });
  assert.deepEqual(
    shop.parts.map(({ name, partKind }) => [name, partKind]),
    [["order", "decider"]],
  );
});

test("folds follow the events and the state", () => {
  judged(() =>
    decider("o", shape).evolve({
      // @ts-expect-error misspelt event
      OrderPlacd: (s) => s,
    }),
  );
  judged(() =>
    decider("o", shape).evolve({
      // @ts-expect-error the next state has no such status
      OrderPaid: (s) => ({ ...s, status: "payed" }),
    }),
  );
  judged(() =>
    decider("o", shape).evolve({
      // @ts-expect-error a misspelt field of the state
      OrderPlaced: (s) => ({ ...s, total: s.totl }),
    }),
  );
  judged(() =>
    decider("o", shape).evolve({
      // @ts-expect-error the payload has no such field
      OrderPaid: (s, e) => ({ ...s, total: e.total }),
    }),
  );
});

const pay = (c: { orderId: string }) => reply({ receipt: "r" }, OrderPaid(c));

test("every command is decided, into declared events, refusals and replies", () => {
  judged(() =>
    // @ts-expect-error the decision on PayOrder is missing
    begun.decide({ PlaceOrder: () => [] }),
  );
  judged(() =>
    begun.decide({
      PayOrder: pay,
      // @ts-expect-error an undeclared refusal
      PlaceOrder: () => reject("too-late"),
    }),
  );
  judged(() =>
    begun.decide({
      PayOrder: pay,
      // @ts-expect-error an undeclared event
      PlaceOrder: (c) => OrderSeen(c),
    }),
  );
  judged(() =>
    begun.decide({
      PayOrder: pay,
      // @ts-expect-error a wrong payload
      PlaceOrder: (c) => OrderPlaced({ orderId: c.orderId }),
    }),
  );
  judged(() =>
    begun.decide({
      PayOrder: pay,
      // @ts-expect-error a misspelt field of the state
      PlaceOrder: (c, s) => (s.staus === "new" ? OrderPlaced(c) : []),
    }),
  );
  judged(() =>
    begun.decide({
      PlaceOrder: () => undefined,
      // @ts-expect-error the declared reply is missing
      PayOrder: (c) => OrderPaid(c),
    }),
  );
  judged(() =>
    begun.decide({
      PlaceOrder: () => undefined,
      // @ts-expect-error a wrong reply
      PayOrder: (c) => reply({ receipt: 1 }, OrderPaid(c)),
    }),
  );
  judged(() =>
    begun.decide({
      PayOrder: pay,
      // @ts-expect-error a reply to a command that declares none
      PlaceOrder: (c) => reply({ receipt: "r" }, OrderPlaced(c)),
    }),
  );
});

test("options, mappings and domain events are checked by name and payload", () => {
  judged(() =>
    // @ts-expect-error misspelt option
    decider("o", { ...shape, polcy: {} }),
  );
  judged(() =>
    // @ts-expect-error a stream carries no commands
    decider("o", { ...shape, commands: orders }),
  );
  judged(() =>
    order.publish({
      OrderDrafted: (e, { state, key }) => [OrderSeen({ ...e, ...state, orderId: key })],
    }),
  );
  judged(() =>
    order.publish({
      // @ts-expect-error published as it is
      OrderPlaced: (e) => OrderSeen(e),
    }),
  );
  judged(() =>
    order.publish({
      // @ts-expect-error no stream carries it
      OrderDrafted: (e) => OrderDrafted(e),
    }),
  );
  const seen = document<{ n: number }>("seen");
  judged(() =>
    order.on(
      {
        OrderPaid: async (e, { docs, emit, id, time }) => {
          docs.seen.put(e.orderId, { n: time + id.length });
          emit(ShipOrder(e));
          // @ts-expect-error not declared
          emit(OrderSeen(e));
          // @ts-expect-error wrong document
          docs.seen.put(e.orderId, { n: "1" });
        },
      },
      { docs: { seen }, sends: shipping },
    ),
  );
  judged(() =>
    order.on({
      OrderPaid: (_, context) => {
        // @ts-expect-error what reaches outside is a consumer's
        void context.effect;
      },
    }),
  );
});

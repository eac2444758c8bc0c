/** The pure parts: they decide, fold and react, and nothing else is in their reach. */

import { after, decider, reject, saga, view } from "millrace";
import {
  CancelOrder,
  cancels,
  OrderDrafted,
  orderDesk,
  OrderPaid,
  OrderPlaced,
  orders,
  PaymentDue,
  payments,
} from "./contract.ts";

/** Above this an order is drafted first, and placed when it is asked for again. */
const TOTAL_MAX = 1_000;

const fresh: { status: "new" | "drafted" | "placed" | "paid"; total: number } = {
  status: "new",
  total: 0,
};

export const order = decider("order", {
  commands: orderDesk,
  events: { OrderDrafted, OrderPlaced, OrderPaid },
  publishes: orders,
  initial: fresh,
})
  .evolve({
    OrderDrafted: (s) => ({ ...s, status: "drafted" }),
    OrderPlaced: (s, e) => ({ ...s, status: "placed", total: e.total }),
    OrderPaid: (s) => ({ ...s, status: "paid" }),
  })
  .decide({
    PlaceOrder: (c, s, { actor }) => {
      if (s.status !== "new" && s.status !== "drafted") return reject("already-placed");
      const drafted = s.status === "drafted" || c.total <= TOTAL_MAX;
      return drafted
        ? OrderPlaced({ ...c, customerId: actor })
        : OrderDrafted({ ...c, customerId: actor });
    },
    PayOrder: (c, s) => (s.status === "placed" ? OrderPaid(c) : reject("not-placed")),
  });

interface Row {
  readonly customerId?: string | undefined;
  readonly status: "open" | "paid";
  readonly placedAt: number;
  readonly paid: number;
}
const empty: Row = { status: "open", placedAt: 0, paid: 0 };

export const byCustomer = view("orders-by-customer", {
  from: [orders, payments],
  version: 2,
  initial: empty,
  index: ["customerId", "status", "placedAt"],
  id: { OrderPlaced: (e) => e.orderId, PaymentSettled: (e) => e.orderId }, // default: the event's key
}).evolve({
  OrderPlaced: (s, e, { time }) => ({ ...s, customerId: e.customerId, placedAt: time }),
  OrderPaid: (s) => ({ ...s, status: "paid" }),
  PaymentSettled: (s, e) => ({ ...s, paid: s.paid + e.paid }),
});

export const checkout = saga("checkout", {
  from: orders,
  timers: { PaymentDue },
  sends: cancels,
  initial: { paid: false },
})
  .evolve({ OrderPaid: () => ({ paid: true }) })
  .react({
    OrderPlaced: (e) => after("30m", PaymentDue(e)),
    PaymentDue: (e, s) => (s.paid ? [] : CancelOrder({ ...e, why: "unpaid" })),
  });

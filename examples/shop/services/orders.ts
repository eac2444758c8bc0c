/** Orders themselves: what they are and may become. Who drives them on is in `process/`. */

import { consumer, decider, reject, view } from "millrace";
import { carts } from "../contract/carts.ts";
import {
  OrderCancelled,
  OrderCompleted,
  OrderConfirmed,
  orderDesk,
  OrderPlaced,
  orders,
  OrderStarted,
  PlaceOrder,
} from "../contract/orders.ts";

type Status = "new" | "placed" | "started" | "confirmed" | "completed" | "cancelled";
const fresh: { status: Status } = { status: "new" };

export const order = decider("order", {
  commands: orderDesk,
  events: { OrderPlaced, OrderStarted, OrderConfirmed, OrderCompleted, OrderCancelled },
  publishes: orders,
  initial: fresh,
})
  .evolve({
    OrderPlaced: () => ({ status: "placed" }),
    OrderStarted: () => ({ status: "started" }),
    OrderConfirmed: () => ({ status: "confirmed" }),
    OrderCompleted: () => ({ status: "completed" }),
    OrderCancelled: () => ({ status: "cancelled" }),
  })
  .decide({
    PlaceOrder: (wish, { status }) => {
      if (status !== "new") return reject("already-placed");
      const totalCents = wish.lines.reduce((sum, each) => sum + each.quantity * each.priceCents, 0);
      return OrderPlaced({ ...wish, totalCents });
    },
    StartOrder: (wish, { status }) => {
      if (status === "placed") return OrderStarted(wish);
      return status === "started" ? [] : reject("not-placed");
    },
    ConfirmOrder: (wish, { status }) => {
      if (status === "cancelled") return reject("cancelled");
      return status === "placed" || status === "started" ? OrderConfirmed(wish) : [];
    },
    CompleteOrder: (wish, { status }) => {
      if (status === "cancelled") return reject("cancelled");
      return status === "completed" ? [] : OrderCompleted(wish);
    },
    CancelOrder: (wish, { status }) =>
      status === "completed" || status === "cancelled" ? [] : OrderCancelled(wish),
    ExpireOrder: (wish, { status }) =>
      status === "placed" || status === "started"
        ? OrderCancelled({ ...wish, why: "it was not paid in time" })
        : [],
  });

/** A cart that was checked out becomes an order; the cart's id is the order's. */
export const intake = consumer("order-intake", { from: carts, sends: orderDesk }).handle({
  CartCheckedOut: ({ cartId, customerId, lines }, { emit }) =>
    emit(PlaceOrder({ orderId: cartId, customerId, lines })),
});

interface OrderRow {
  readonly customerId: string;
  readonly status: Status;
  readonly totalCents: number;
  readonly placedAt: number;
  readonly why?: string;
}
const unknown: OrderRow = { customerId: "", status: "new", totalCents: 0, placedAt: 0 };

export const orderList = view("orders-by-customer", {
  from: order,
  initial: unknown,
  index: ["customerId", "status", "placedAt"],
}).evolve({
  OrderPlaced: (_, { customerId, totalCents }, { time }) => ({
    customerId,
    totalCents,
    status: "placed",
    placedAt: time,
  }),
  OrderStarted: (row) => ({ ...row, status: "started" }),
  OrderConfirmed: (row) => ({ ...row, status: "confirmed" }),
  OrderCompleted: (row) => ({ ...row, status: "completed" }),
  OrderCancelled: (row, { why }) => ({ ...row, status: "cancelled", why }),
});

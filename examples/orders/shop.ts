/** A service: what it decides, what it shows, what it drives on, and where it reaches outside. */

// #region service
import { after, consumer, decider, reject, saga, service, view } from "millrace";
import {
  CancelOrder,
  OrderCancelled,
  orderDesk,
  OrderPaid,
  OrderPlaced,
  orders,
  PaymentDue,
} from "./contract.ts";
import { mail } from "./mail.ts";

const fresh: { status: "new" | "open" | "paid" | "cancelled" } = { status: "new" };

// Commands to events, one entity for each key. Pure, and tested as data.
export const order = decider("order", {
  commands: orderDesk,
  events: { OrderPlaced, OrderPaid, OrderCancelled },
  publishes: orders,
  initial: fresh,
})
  .evolve({
    OrderPlaced: () => ({ status: "open" }),
    OrderPaid: () => ({ status: "paid" }),
    OrderCancelled: () => ({ status: "cancelled" }),
  })
  .decide({
    PlaceOrder: (c, { status }) => (status === "new" ? OrderPlaced(c) : reject("already-placed")),
    PayOrder: (c, { status }) => (status === "open" ? OrderPaid(c) : reject("not-open")),
    CancelOrder: (c, { status }) => (status === "open" ? OrderCancelled(c) : []),
  });

// Events to documents.
export const orderList = view("orders", {
  from: order,
  initial: { total: 0, status: "open" },
  index: ["status"],
}).evolve({
  OrderPlaced: (_, { total }) => ({ total, status: "open" }),
  OrderPaid: (row) => ({ ...row, status: "paid" }),
  OrderCancelled: (row) => ({ ...row, status: "cancelled" }),
});

// Events to commands and timers: durable, one instance for each order.
export const checkout = saga("checkout", {
  from: orders,
  timers: { PaymentDue },
  sends: orderDesk,
  initial: {},
})
  .evolve({})
  .react({
    OrderPlaced: ({ orderId }) => after("30m", PaymentDue({ orderId })),
    PaymentDue: ({ orderId }) => CancelOrder({ orderId }),
  });

// The edge: the only code that does I/O. What the mail provider answered is recorded.
const receipts = consumer("receipts", { from: orders }).handle({
  OrderPaid: async ({ orderId }, { effect }) => {
    await effect("mail", (how) => mail.send(orderId, how));
  },
});

export const shop = service("shop", { order, orderList, checkout, receipts });
// #endregion

/** A service: one view, and one consumer that reaches the outside world. */

// #region service
import { consumer, service, view } from "millrace";
import { orders } from "./contract.ts";
import { mail } from "./mail.ts";

export const revenue = view("revenue", { from: orders, initial: { total: 0 }, id: "all" }).evolve({
  OrderPlaced: (state, order) => ({ total: state.total + order.total }),
});

const receipts = consumer("receipts", { from: orders }).handle({
  OrderPlaced: async (order, { id, signal }) => {
    await mail.send(order.orderId, { idempotencyKey: id, signal });
  },
});

export const shop = service("shop", { revenue, receipts });
// #endregion

/** What services share. */

// #region contract
import { command, event, queue, stream, timer } from "millrace";
import { z } from "zod";

const order = z.object({ orderId: z.string() }); // any Standard Schema library
const key = { key: (it: { orderId: string }) => it.orderId };

export const OrderPlaced = event("order.placed", order.extend({ total: z.number() }), key);
export const OrderPaid = event("order.paid", order, key);
export const OrderCancelled = event("order.cancelled", order, key);
export const orders = stream("orders", { OrderPlaced, OrderPaid, OrderCancelled });

export const PlaceOrder = command("order.place", order.extend({ total: z.number() }), {
  ...key,
  refuses: ["already-placed"],
});
export const PayOrder = command("order.pay", order, { ...key, refuses: ["not-open"] });
export const CancelOrder = command("order.cancel", order, key);
export const orderDesk = queue("order-desk", { PlaceOrder, PayOrder, CancelOrder });

export const PaymentDue = timer("payment.due", order);
// #endregion

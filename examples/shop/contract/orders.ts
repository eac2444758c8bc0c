/** The promise to deliver. Owned by the service `orders`. */

import { command, event, queue, stream, timer } from "millrace";
import { z } from "zod";
import { line } from "./carts.ts";

export const order = z.object({ orderId: z.string() });
export const byOrder = { key: (it: { readonly orderId: string }) => it.orderId };

const placed = order.extend({
  customerId: z.string(),
  lines: z.array(line).min(1),
  totalCents: z.int().min(0),
});

export const OrderPlaced = event("order.placed", placed, byOrder);
export const OrderStarted = event("order.started", order, byOrder);
/** Paid and reserved: from here on it is delivered, not expired. */
export const OrderConfirmed = event("order.confirmed", order, byOrder);
export const OrderCompleted = event("order.completed", order, byOrder);
export const OrderCancelled = event("order.cancelled", order.extend({ why: z.string() }), byOrder);
export const orders = stream(
  "orders",
  { OrderPlaced, OrderStarted, OrderConfirmed, OrderCompleted, OrderCancelled },
  { keep: "90d", partitions: 4 },
);

export const PlaceOrder = command("order.place", placed.omit({ totalCents: true }), {
  ...byOrder,
  refuses: ["already-placed"],
});
export const StartOrder = command("order.start", order, { ...byOrder, refuses: ["not-placed"] });
export const ConfirmOrder = command("order.confirm", order, {
  ...byOrder,
  refuses: ["cancelled"],
});
export const CompleteOrder = command("order.complete", order, {
  ...byOrder,
  refuses: ["cancelled"],
});
export const CancelOrder = command("order.cancel", order.extend({ why: z.string() }), byOrder);
/** Cancels the order unless it is confirmed. */
export const ExpireOrder = command("order.expire", order, byOrder);
export const orderDesk = queue("order-desk", {
  PlaceOrder,
  StartOrder,
  ConfirmOrder,
  CompleteOrder,
  CancelOrder,
  ExpireOrder,
});

/** An order that is not paid by then is given up. */
export const PaymentDue = timer("payment.due", order);

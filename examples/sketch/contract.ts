/** What services share; a package of its own when they live in several repositories. */

import { command, event, queue, stream, timer } from "millrace/contract";
import { z } from "zod";

const orderId = z.object({ orderId: z.string() });
const placed = orderId.extend({ total: z.number(), customerId: z.string().optional() });

export const OrderDrafted = event("order.drafted", placed, { key: (e) => e.orderId });
export const OrderPlaced = event("order.placed", placed, {
  key: (e) => e.orderId,
  version: 2,
  upcast: { 1: (old) => ({ ...old, total: 0 }) },
});
export const OrderPaid = event("order.paid", orderId, { key: (e) => e.orderId });
export const PaymentSettled = event("payment.settled", orderId.extend({ paid: z.number() }), {
  key: (e) => e.orderId,
});
export const OrderRefunded = event("order.refunded", orderId, { key: (e) => e.orderId });

export const PlaceOrder = command("order.place", orderId.extend({ total: z.number() }), {
  key: (c) => c.orderId,
  refuses: ["already-placed"],
});
export const PayOrder = command("order.pay", orderId, {
  key: (c) => c.orderId,
  refuses: ["not-placed"],
});
export const CancelOrder = command("order.cancel", orderId.extend({ why: z.string() }), {
  key: (c) => c.orderId,
});

export const orders = stream("orders", { OrderPlaced, OrderPaid }, { keep: "90d", partitions: 6 });
export const payments = stream("payments", { PaymentSettled, OrderRefunded });
/** A command's one address. */
export const orderDesk = queue("order-desk", { PlaceOrder, PayOrder }, { attempts: 8 });
export const cancels = queue("cancels", { CancelOrder });
export const PaymentDue = timer("payment.due", orderId);

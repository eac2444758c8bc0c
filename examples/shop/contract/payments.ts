/** Money. Owned by the service `payments`. */

import { command, event, queue, stream } from "millrace";
import { z } from "zod";
import { byOrder, order } from "./orders.ts";

const amount = order.extend({ amountCents: z.int().min(0) });

export const PaymentTaken = event("payment.taken", amount, byOrder);
export const PaymentDeclined = event(
  "payment.declined",
  order.extend({ why: z.string() }),
  byOrder,
);
export const PaymentRefunded = event("payment.refunded", amount, byOrder);
export const payments = stream(
  "payments",
  { PaymentTaken, PaymentDeclined, PaymentRefunded },
  { partitions: 4 },
);

export const TakePayment = command("payment.take", amount.extend({ customerId: z.string() }), {
  ...byOrder,
  replies: z.object({ taken: z.boolean(), why: z.string().optional() }),
});
/** Gives back what was taken, and lets nothing be taken later. */
export const RefundPayment = command("payment.refund", order, byOrder);
/** In the order in which they were sent: a refund must not overtake the payment that it undoes. */
export const paymentDesk = queue(
  "payment-desk",
  { TakePayment, RefundPayment },
  { keyOrder: true },
);

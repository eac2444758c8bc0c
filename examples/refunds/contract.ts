// What the pages on effects, view versions and replays tell their story with.

import { event, stream } from "millrace";
import * as z from "zod";

const refund = z.object({ orderId: z.string(), customerId: z.string(), cents: z.number().int() });
const key = { key: (it: { orderId: string }) => it.orderId };

export const RefundGranted = event("refund.granted", refund, key);
export const returns = stream("returns", { RefundGranted }, { partitions: 1 });

export const RefundPaid = event("refund.paid", refund.extend({ receipt: z.string() }), key);
export const payouts = stream("payouts", { RefundPaid }, { partitions: 1 });

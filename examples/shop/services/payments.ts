/**
 * Takes and gives back money through the bank. The document of an order's payment remembers what was
 * done; the bank is asked under a key of its own for each wish, so asking it again moves nothing.
 */

import { consumer, document } from "millrace";
import {
  PaymentDeclined,
  paymentDesk,
  PaymentRefunded,
  payments,
  PaymentTaken,
} from "../contract/payments.ts";
import { bank } from "../outside/bank.ts";

// #region till
interface Payment {
  readonly status: "taken" | "declined" | "refunded" | "closed";
  readonly amountCents: number;
}
const payment = document<Payment>("payment", { index: ["status"] });

export const till = consumer("till", {
  from: paymentDesk,
  publishes: payments,
  docs: { payment },
}).handle({
  TakePayment: async ({ orderId, customerId, amountCents }, { docs, effect, emit }) => {
    const before = await docs.payment.get(orderId);
    if (before !== undefined) return { taken: before.status === "taken" };
    const { accepted, why } = await effect("charge", (how) =>
      bank.charge({ orderId, customerId, amountCents }, how),
    );
    docs.payment.put(orderId, { status: accepted ? "taken" : "declined", amountCents });
    if (accepted) {
      emit(PaymentTaken({ orderId, amountCents }));
      return { taken: true };
    }
    emit(PaymentDeclined({ orderId, why }));
    return { taken: false, why };
  },
  RefundPayment: async ({ orderId }, { docs, effect, emit }) => {
    const before = await docs.payment.get(orderId);
    if (before?.status !== "taken") {
      // Whatever comes after the refund of a payment that was never taken comes too late.
      if (before === undefined) docs.payment.put(orderId, { status: "closed", amountCents: 0 });
      return;
    }
    const { amountCents } = before;
    await effect("refund", (how) => bank.refund({ orderId, amountCents }, how));
    docs.payment.put(orderId, { status: "refunded", amountCents });
    emit(PaymentRefunded({ orderId, amountCents }));
  },
});
// #endregion

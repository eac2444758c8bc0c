import { consumer, document, service, view } from "millrace";
import { bank } from "./bank.ts";
import { payouts, RefundPaid, returns } from "./contract.ts";

// #region payer
interface Refund {
  readonly cents: number;
  readonly receipt: string;
}
const refund = document<Refund>("refund");

export const payer = consumer("payer", {
  from: returns,
  publishes: payouts,
  docs: { refund },
}).handle({
  RefundGranted: async (granted, { effect, docs, emit }) => {
    const { orderId, cents } = granted;
    const { receipt } = await effect("refund", (how) => bank.refund(orderId, cents, how));
    docs.refund.put(orderId, { cents, receipt });
    emit(RefundPaid({ ...granted, receipt }));
  },
});
// #endregion

// #region first
export const totals = view("refund-totals", {
  from: returns,
  id: { RefundGranted: (granted) => granted.customerId },
  initial: { cents: 0 },
}).evolve({
  RefundGranted: (row, { cents }) => ({ cents: row.cents + cents }),
});
// #endregion

// #region second
export const counted = view("refund-totals", {
  from: returns,
  id: { RefundGranted: (granted) => granted.customerId },
  version: 2,
  upcast: { 1: (old) => ({ ...old, count: 0 }) },
  initial: { cents: 0, count: 0 },
  index: ["count"],
}).evolve({
  RefundGranted: (row, { cents }) => ({ cents: row.cents + cents, count: row.count + 1 }),
});
// #endregion

export const refunds = service("refunds", { payer, counted });
/** The service as it was before its view's second version. */
export const before = service("refunds", { payer, totals });

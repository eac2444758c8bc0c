/** The edge: where the outside world is called. And the service, which is deployed alone. */

import { consumer, document, service } from "millrace";
import { bank } from "./bank.ts";
import { cancels, OrderRefunded, payments } from "./contract.ts";
import { byCustomer, checkout, order } from "./pure.ts";

export const refund = document<{ why: string }>("refund", { index: ["why"] });

const refunds = consumer("refunds", {
  from: cancels,
  publishes: payments,
  docs: { refund },
}).handle({
  CancelOrder: async (c, { id, signal, emit, docs }) => {
    await bank.refund(c, { idempotencyKey: id, signal });
    docs.refund.put(c.orderId, { why: c.why });
    emit(OrderRefunded(c));
  },
});

export const shop = service("shop", { order, byCustomer, checkout, refunds });

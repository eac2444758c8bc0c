/**
 * The order process with a centre: a saga that tells each service what to do next, waits for its
 * answer, and undoes what was done when something fails.
 *
 * Stock, then money, then the parcel. Each step names the command that undoes it; giving up sends them
 * newest first, so an order is cancelled last, when money and stock are back.
 */

import { abort, after, cancel, end, saga, service, step } from "millrace";
import {
  CancelOrder,
  CompleteOrder,
  ConfirmOrder,
  orderDesk,
  orders,
  PaymentDue,
  StartOrder,
} from "../contract/orders.ts";
import { paymentDesk, RefundPayment, TakePayment } from "../contract/payments.ts";
import { ReleaseStock, ReserveStock, shippingDesk, ShipOrder } from "../contract/shipping.ts";
import type { Line } from "../contract/carts.ts";
import { intake, order, orderList } from "../services/orders.ts";
import { till } from "../services/payments.ts";
import { warehouse } from "../services/shipping.ts";

interface Process {
  readonly orderId: string;
  readonly customerId: string;
  readonly lines: Line[];
  readonly totalCents: number;
}
const none: Process = { orderId: "", customerId: "", lines: [], totalCents: 0 };

// #region process
export const orderProcess = saga("order-process", {
  from: orders,
  sends: [orderDesk, shippingDesk, paymentDesk],
  timers: { PaymentDue },
  starts: ["OrderPlaced"],
  initial: none,
})
  .evolve({ OrderPlaced: (_, placed) => placed })
  .react({
    OrderPlaced: ({ orderId }) =>
      step(StartOrder({ orderId }), {
        undo: CancelOrder({ orderId, why: "the order could not be fulfilled" }),
      }),
    PaymentDue: () => abort("it was not paid in time"),
  })
  .answers({
    StartOrder: (answer, { orderId, lines }) =>
      answer.ok
        ? step(ReserveStock({ orderId, lines }), { undo: ReleaseStock({ orderId }) })
        : end(),
    ReserveStock: (answer, { orderId, customerId, totalCents }) =>
      answer.ok && answer.reply.reserved
        ? [
            step(TakePayment({ orderId, customerId, amountCents: totalCents }), {
              undo: RefundPayment({ orderId }),
            }),
            after("30s", PaymentDue({ orderId })),
          ]
        : abort("there was not enough stock"),
    TakePayment: (answer, { orderId }) =>
      answer.ok && answer.reply.taken
        ? [cancel(PaymentDue), step(ConfirmOrder({ orderId }))]
        : abort("it was not paid"),
    ConfirmOrder: (answer, { orderId }) =>
      answer.ok ? step(ShipOrder({ orderId })) : abort("it was cancelled"),
    ShipOrder: (answer, { orderId }) =>
      answer.ok ? step(CompleteOrder({ orderId })) : abort("it could not be shipped"),
    CompleteOrder: () => end(),
  });
// #endregion

export const orderService = service("orders", { order, intake, orderList, orderProcess });
export const paymentService = service("payments", { till });
export const shippingService = service("shipping", { warehouse });

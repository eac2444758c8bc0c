/**
 * The same order process without a centre: each service follows the others' events and decides for
 * itself what they mean for it. Nobody sees the whole; what follows from what is in no single file.
 *
 * The end states are those of `orchestrated.ts`, and `shop.test.ts` demands it.
 */

import { after, cancel, consumer, end, saga, service } from "millrace";
import {
  CancelOrder,
  CompleteOrder,
  ConfirmOrder,
  ExpireOrder,
  orderDesk,
  orders,
  PaymentDue,
  StartOrder,
} from "../contract/orders.ts";
import { paymentDesk, payments, RefundPayment, TakePayment } from "../contract/payments.ts";
import {
  ReleaseStock,
  ReserveStock,
  shipping,
  shippingDesk,
  ShipOrder,
} from "../contract/shipping.ts";
import { intake, order, orderList } from "../services/orders.ts";
import { till } from "../services/payments.ts";
import { warehouse } from "../services/shipping.ts";

/** Orders: what others say of an order changes it. */
const orderNews = consumer("order-news", { from: [payments, shipping], sends: orderDesk }).handle({
  StockReserved: ({ orderId }, { emit }) => emit(StartOrder({ orderId })),
  StockShort: ({ orderId }, { emit }) =>
    emit(CancelOrder({ orderId, why: "there was not enough stock" })),
  PaymentTaken: ({ orderId }, { emit }) => emit(ConfirmOrder({ orderId })),
  PaymentDeclined: ({ orderId }, { emit }) =>
    emit(CancelOrder({ orderId, why: "it was not paid" })),
  ParcelShipped: ({ orderId }, { emit }) => emit(CompleteOrder({ orderId })),
});

/** Orders: the clock is the only thing that nobody else would tell. */
const paymentWatch = saga("payment-watch", {
  from: [orders, payments],
  sends: orderDesk,
  timers: { PaymentDue },
  starts: ["OrderPlaced"],
  initial: {},
})
  .evolve({})
  .react({
    OrderPlaced: ({ orderId }) => after("30s", PaymentDue({ orderId })),
    PaymentTaken: () => [cancel(PaymentDue), end()],
    OrderCancelled: () => end(),
    PaymentDue: ({ orderId }) => [ExpireOrder({ orderId }), end()],
  });

/** Payments: stock that is reserved is to be paid, and what is not delivered is given back. */
interface Due {
  readonly customerId: string;
  readonly totalCents: number;
}
const paying = saga("paying", {
  from: [orders, shipping],
  sends: paymentDesk,
  starts: ["OrderPlaced", "StockReserved"],
  initial: { due: null as Due | null, reserved: false },
})
  .evolve({
    OrderPlaced: (state, { customerId, totalCents }) => ({
      ...state,
      due: { customerId, totalCents },
    }),
    StockReserved: (state) => ({ ...state, reserved: true }),
  })
  .react({
    OrderPlaced: ({ orderId }, state) => take(orderId, state),
    StockReserved: ({ orderId }, state) => take(orderId, state),
    OrderCancelled: ({ orderId }) => [RefundPayment({ orderId }), end()],
    OrderCompleted: () => end(),
  });

/** Both have to be known, and they come on different streams, in any order. */
function take(
  orderId: string,
  { due, reserved }: { readonly due: Due | null; readonly reserved: boolean },
): ReturnType<typeof TakePayment>[] {
  if (due === null || !reserved) return [];
  return [TakePayment({ orderId, customerId: due.customerId, amountCents: due.totalCents })];
}

/** Shipping: an order is reserved, a confirmed one sent, a cancelled one put back. */
const dispatch = consumer("dispatch", { from: orders, sends: shippingDesk }).handle({
  OrderPlaced: ({ orderId, lines }, { emit }) => emit(ReserveStock({ orderId, lines })),
  OrderConfirmed: ({ orderId }, { emit }) => emit(ShipOrder({ orderId })),
  OrderCancelled: ({ orderId }, { emit }) => emit(ReleaseStock({ orderId })),
});

export const orderService = service("orders", {
  order,
  intake,
  orderList,
  orderNews,
  paymentWatch,
});
export const paymentService = service("payments", { till, paying });
export const shippingService = service("shipping", { warehouse, dispatch });

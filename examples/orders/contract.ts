/** What services share. */

// #region contract
import { event, stream } from "millrace";
import { z } from "zod";

export const OrderPlaced = event(
  "order.placed",
  z.object({ orderId: z.string(), total: z.number() }),
  { key: (order) => order.orderId },
);
export const orders = stream("orders", { OrderPlaced }, { keep: "90d", partitions: 6 });
// #endregion

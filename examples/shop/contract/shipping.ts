/** Stock and parcels. Owned by the service `shipping`. */

import { command, event, queue, stream } from "millrace";
import { z } from "zod";
import { line } from "./carts.ts";
import { byOrder, order } from "./orders.ts";

const lines = order.extend({ lines: z.array(line).min(1) });

export const StockReserved = event("stock.reserved", lines, byOrder);
export const StockShort = event("stock.ran-short", order.extend({ sku: z.string() }), byOrder);
export const StockReleased = event("stock.released", order, byOrder);
export const ParcelShipped = event(
  "parcel.shipped",
  order.extend({ parcelId: z.string() }),
  byOrder,
);
export const shipping = stream(
  "shipping",
  { StockReserved, StockShort, StockReleased, ParcelShipped },
  { partitions: 4 },
);

export const ReserveStock = command("stock.reserve", lines, {
  ...byOrder,
  replies: z.object({ reserved: z.boolean(), short: z.string().optional() }),
});
/** Puts back what was reserved, and lets nothing be reserved later. */
export const ReleaseStock = command("stock.release", order, byOrder);
export const ShipOrder = command("parcel.ship", order, { ...byOrder, refuses: ["not-reserved"] });
export const shippingDesk = queue(
  "shipping-desk",
  { ReserveStock, ReleaseStock, ShipOrder },
  { keyOrder: true },
);

/**
 * Stock and parcels. All of an order's lines are reserved in one unit of work or none is: the shelves
 * are documents, and a commit fails, and is decided anew, where another order was faster at a shelf.
 */

import { consumer, document, reject } from "millrace";
import {
  ParcelShipped,
  shipping,
  shippingDesk,
  StockReleased,
  StockReserved,
  StockShort,
} from "../contract/shipping.ts";
import type { Line } from "../contract/carts.ts";

export interface Shelf {
  readonly onHand: number;
  readonly reserved: number;
  readonly shipped: number;
}
/** What every shelf holds at the beginning: nobody restocks in this shop. */
export const SHELF_START = 1_000;
const full: Shelf = { onHand: SHELF_START, reserved: 0, shipped: 0 };

export interface Reservation {
  readonly status: "reserved" | "short" | "released" | "closed" | "shipped";
  readonly lines: readonly Line[];
}
const shelf = document<Shelf>("shelf");
const reservation = document<Reservation>("reservation", { index: ["status"] });

export const warehouse = consumer("warehouse", {
  from: shippingDesk,
  publishes: shipping,
  docs: { shelf, reservation },
}).handle({
  ReserveStock: async ({ orderId, lines }, { docs, emit }) => {
    const before = await docs.reservation.get(orderId);
    if (before !== undefined) return { reserved: before.status === "reserved" };
    const shelves = await Promise.all(
      lines.map(async ({ sku }) => (await docs.shelf.get(sku)) ?? full),
    );
    const short = lines.find(({ quantity }, index) => shelves[index]!.onHand < quantity);
    if (short !== undefined) {
      docs.reservation.put(orderId, { status: "short", lines: [] });
      emit(StockShort({ orderId, sku: short.sku }));
      return { reserved: false, short: short.sku };
    }
    lines.forEach(({ sku, quantity }, index) => {
      const { onHand, reserved, shipped } = shelves[index]!;
      docs.shelf.put(sku, { onHand: onHand - quantity, reserved: reserved + quantity, shipped });
    });
    docs.reservation.put(orderId, { status: "reserved", lines });
    emit(StockReserved({ orderId, lines }));
    return { reserved: true };
  },

  ReleaseStock: async ({ orderId }, { docs, emit }) => {
    const before = await docs.reservation.get(orderId);
    if (before?.status !== "reserved") {
      // Whatever comes after the release of stock that was never reserved comes too late.
      if (before === undefined) docs.reservation.put(orderId, { status: "closed", lines: [] });
      return;
    }
    for (const { sku, quantity } of before.lines) {
      const { onHand, reserved, shipped } = (await docs.shelf.get(sku))!;
      docs.shelf.put(sku, { onHand: onHand + quantity, reserved: reserved - quantity, shipped });
    }
    docs.reservation.put(orderId, { ...before, status: "released" });
    emit(StockReleased({ orderId }));
  },

  ShipOrder: async ({ orderId }, { docs, emit, newId }) => {
    const before = await docs.reservation.get(orderId);
    if (before?.status === "shipped") return;
    if (before?.status !== "reserved") return reject("not-reserved");
    for (const { sku, quantity } of before.lines) {
      const { onHand, reserved, shipped } = (await docs.shelf.get(sku))!;
      docs.shelf.put(sku, { onHand, reserved: reserved - quantity, shipped: shipped + quantity });
    }
    docs.reservation.put(orderId, { ...before, status: "shipped" });
    emit(ParcelShipped({ orderId, parcelId: newId() }));
  },
});

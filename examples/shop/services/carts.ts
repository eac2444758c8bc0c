/** Carts: filled, emptied, and checked out once. */

import { decider, reject, service } from "millrace";
import {
  cartDesk,
  CartCheckedOut,
  CartItemAdded,
  CartItemRemoved,
  carts,
  type Line,
} from "../contract/carts.ts";

const LINES_MAX = 20;
const empty: { lines: readonly Line[]; checkedOut: boolean } = { lines: [], checkedOut: false };

export const cart = decider("cart", {
  commands: cartDesk,
  events: { CartItemAdded, CartItemRemoved, CartCheckedOut },
  publishes: carts,
  initial: empty,
})
  .evolve({
    CartItemAdded: (state, { line }) => ({
      ...state,
      lines: [...state.lines.filter(({ sku }) => sku !== line.sku), line],
    }),
    CartItemRemoved: (state, removed) => ({
      ...state,
      lines: state.lines.filter(({ sku }) => sku !== removed.sku),
    }),
    CartCheckedOut: (state) => ({ ...state, checkedOut: true }),
  })
  .decide({
    AddItem: (item, { lines, checkedOut }) => {
      if (checkedOut) return reject("checked-out");
      return lines.length < LINES_MAX ? CartItemAdded(item) : reject("cart-full");
    },
    RemoveItem: (item, { lines, checkedOut }) => {
      if (checkedOut) return reject("checked-out");
      return lines.some(({ sku }) => sku === item.sku)
        ? CartItemRemoved(item)
        : reject("not-in-cart");
    },
    CheckOut: (who, { lines, checkedOut }) => {
      if (checkedOut) return reject("checked-out");
      return lines.length > 0
        ? CartCheckedOut({ ...who, lines: [...lines] })
        : reject("cart-empty");
    },
  });

export const cartService = service("carts", { cart });

/** What somebody wants. Owned by the service `carts`. */

import { command, event, queue, stream } from "millrace";
import { z } from "zod";

const cart = z.object({ cartId: z.string() });
const key = { key: (it: { readonly cartId: string }) => it.cartId };

export const line = z.object({
  sku: z.string(),
  quantity: z.int().min(1).max(100),
  priceCents: z.int().min(0),
});
export type Line = z.infer<typeof line>;

export const CartItemAdded = event("cart.item-added", cart.extend({ line }), key);
export const CartItemRemoved = event("cart.item-removed", cart.extend({ sku: z.string() }), key);
export const CartCheckedOut = event(
  "cart.checked-out",
  cart.extend({ customerId: z.string(), lines: z.array(line).min(1) }),
  key,
);
export const carts = stream("carts", { CartItemAdded, CartItemRemoved, CartCheckedOut });

export const AddItem = command("cart.add-item", cart.extend({ line }), {
  ...key,
  refuses: ["checked-out", "cart-full"],
});
export const RemoveItem = command("cart.remove-item", cart.extend({ sku: z.string() }), {
  ...key,
  refuses: ["checked-out", "not-in-cart"],
});
export const CheckOut = command("cart.check-out", cart.extend({ customerId: z.string() }), {
  ...key,
  refuses: ["checked-out", "cart-empty"],
});
export const cartDesk = queue("cart-desk", { AddItem, RemoveItem, CheckOut });

/**
 * Makes up customers who do what customers do: sign up, fill carts, change their minds, check out,
 * upload a file. Every id and choice follows from the customer's number, and every wish is asked under
 * an id of its own, so a generator that was killed begins again and nothing happens twice.
 */

import type { App } from "millrace";
import { SignUp } from "./contract/accounts.ts";
import { AddItem, CheckOut, RemoveItem } from "./contract/carts.ts";
import { UploadFile } from "./contract/files.ts";

export type Asks = Pick<App, "ask">;

interface Ware {
  readonly sku: string;
  readonly priceCents: number;
}
export const WARES: readonly Ware[] = [
  { sku: "tea", priceCents: 450 },
  { sku: "coffee", priceCents: 890 },
  { sku: "cup", priceCents: 1200 },
  { sku: "kettle", priceCents: 4900 },
];

/** What the `number`th customer will be called. */
export function customerId(number: number): string {
  return `customer-${number}`;
}
export function cartId(number: number): string {
  return `cart-${number}`;
}

/** All that one customer does; resolves when it is durable, not when it has all come to its end. */
export async function visit(app: Asks, number: number): Promise<void> {
  const who = { customerId: customerId(number) };
  const cart = { cartId: cartId(number) };
  // One in thirteen is not to be trusted.
  const domain = number % 13 === 5 ? "throwaway.example" : "mail.example";
  const email = `${who.customerId}@${domain}`;
  const wish = (what: string): { readonly id: string } => ({ id: `${who.customerId}-${what}` });

  await app.ask(SignUp({ ...who, name: `Customer ${number}`, email }), wish("sign-up"));
  const first = WARES[number % WARES.length]!;
  const second = WARES[(number + 1) % WARES.length]!;
  // One in eleven wants more kettles than there will be.
  const quantity = number % 11 === 3 ? 100 : 1 + (number % 3);
  await app.ask(AddItem({ ...cart, line: { ...first, quantity } }), wish("add-1"));
  await app.ask(AddItem({ ...cart, line: { ...second, quantity: 1 } }), wish("add-2"));
  if (number % 4 === 1) {
    await app.ask(RemoveItem({ ...cart, sku: second.sku }), wish("remove"));
  }
  // One in nine only looks around.
  if (number % 9 !== 8) await app.ask(CheckOut({ ...cart, ...who }), wish("check-out"));
  if (number % 5 === 0) {
    const upload = { fileId: `file-${number}`, name: "photo.jpg", bytes: 1000 + number };
    await app.ask(UploadFile({ ...upload, ...who, sha256: "0".repeat(64) }), wish("upload"));
  }
}

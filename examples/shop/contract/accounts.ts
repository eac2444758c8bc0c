/** Who may buy. Owned by the service `accounts`. */

import { command, event, queue, stream } from "millrace";
import { z } from "zod";

const customer = z.object({ customerId: z.string() });
const key = { key: (it: { readonly customerId: string }) => it.customerId };

/** A password never leaves the form: nothing here carries one. */
export const CustomerSignedUp = event(
  "customer.signed-up",
  customer.extend({ name: z.string(), email: z.string() }),
  key,
);
export const CustomerCleared = event("customer.cleared", customer, key);
export const CustomerFlagged = event("customer.flagged", customer.extend({ why: z.string() }), key);
export const accounts = stream("accounts", { CustomerSignedUp, CustomerCleared, CustomerFlagged });

export const SignUp = command(
  "customer.sign-up",
  customer.extend({ name: z.string().min(1), email: z.string().includes("@") }),
  { ...key, refuses: ["already-signed-up"] },
);
export const ClearCustomer = command("customer.clear", customer, key);
export const FlagCustomer = command("customer.flag", customer.extend({ why: z.string() }), key);
export const accountDesk = queue("account-desk", { SignUp, ClearCustomer, FlagCustomer });

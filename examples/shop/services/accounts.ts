/** Sign-up. Whether a customer may buy is for the fraud service to say. */

import { decider, reject, service, view } from "millrace";
import {
  accountDesk,
  accounts,
  CustomerCleared,
  CustomerFlagged,
  CustomerSignedUp,
} from "../contract/accounts.ts";

type Standing = "unknown" | "waiting" | "cleared" | "flagged";
const stranger: { standing: Standing } = { standing: "unknown" };

export const account = decider("account", {
  commands: accountDesk,
  events: { CustomerSignedUp, CustomerCleared, CustomerFlagged },
  publishes: accounts,
  initial: stranger,
})
  .evolve({
    CustomerSignedUp: () => ({ standing: "waiting" }),
    CustomerCleared: () => ({ standing: "cleared" }),
    CustomerFlagged: () => ({ standing: "flagged" }),
  })
  .decide({
    SignUp: (customer, { standing }) =>
      standing === "unknown" ? CustomerSignedUp(customer) : reject("already-signed-up"),
    ClearCustomer: (customer, { standing }) =>
      standing === "waiting" ? CustomerCleared(customer) : [],
    FlagCustomer: (customer, { standing }) =>
      standing === "waiting" ? CustomerFlagged(customer) : [],
  });

const nobody: { name: string; standing: Standing } = { name: "", standing: "unknown" };

export const customers = view("customers", {
  from: account,
  initial: nobody,
  index: ["standing"],
}).evolve({
  CustomerSignedUp: (_, { name }) => ({ name, standing: "waiting" }),
  CustomerCleared: (customer) => ({ ...customer, standing: "cleared" }),
  CustomerFlagged: (customer) => ({ ...customer, standing: "flagged" }),
});

export const accountService = service("accounts", { account, customers });

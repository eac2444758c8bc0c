/** Asks the scoring service about everybody who signs up. Knows nothing but the events. */

import { consumer, service } from "millrace";
import { accountDesk, accounts, ClearCustomer, FlagCustomer } from "../contract/accounts.ts";
import { scoring } from "../outside/scoring.ts";

const SCORE_MAX = 90;

const check = consumer("fraud-check", { from: accounts, sends: accountDesk }).handle({
  CustomerSignedUp: async ({ customerId, email }, { effect, emit }) => {
    const { score } = await effect("score", (how) => scoring.score(email, how));
    if (score <= SCORE_MAX) emit(ClearCustomer({ customerId }));
    else emit(FlagCustomer({ customerId, why: `a fraud score of ${score}` }));
  },
});

export const fraudService = service("fraud", { check });

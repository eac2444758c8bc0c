/** One client's sign-in, token by token, whichever mechanism it has chosen. */

import type { Principal } from "../../../broker/sign-in.ts";
import type { Random } from "../../../model/ids.ts";
import type { Attempt, Doorkeeper } from "../doorkeeper.ts";

/** What a client's token comes to. A failure's text is for the client; it tells no secret. */
export type Step =
  | { readonly kind: "challenge"; readonly token: Buffer }
  | { readonly kind: "done"; readonly principal: Principal; readonly token: Buffer }
  /** `told`: the doorkeeper has put it into the log. */
  | { readonly kind: "failed"; readonly text: string; readonly told?: boolean };

export interface Exchange {
  /** Never rejects. After "done" and "failed" nothing follows. */
  step(token: Buffer): Promise<Step>;
}

export interface ExchangeOptions {
  readonly keeper: Doorkeeper;
  readonly random: Random;
  readonly attempt: Omit<Attempt, "user">;
}

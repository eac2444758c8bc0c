/**
 * The mechanisms by which clients sign in, whichever protocol carries their tokens. OAUTHBEARER is not
 * among them.
 */

import type { Principal } from "../../../broker/sign-in.ts";
import type { Random } from "../../../model/ids.ts";
import type { Attempt, Doorkeeper } from "../doorkeeper.ts";
import { PlainExchange } from "./plain.ts";
import { ScramExchange } from "./scram-exchange.ts";

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

export function mechanismsOf({
  hasCredentials,
}: Pick<Doorkeeper, "hasCredentials">): readonly string[] {
  return ["PLAIN", ...(hasCredentials ? ["SCRAM-SHA-256", "SCRAM-SHA-512"] : [])];
}

/** Undefined for a mechanism that is not offered. */
export function beginExchange(mechanism: string, options: ExchangeOptions): Exchange | undefined {
  if (!mechanismsOf(options.keeper).includes(mechanism)) return undefined;
  if (mechanism === "SCRAM-SHA-256" || mechanism === "SCRAM-SHA-512") {
    return new ScramExchange(mechanism, options);
  }
  return new PlainExchange(options);
}

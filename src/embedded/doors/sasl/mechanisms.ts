/**
 * The mechanisms by which clients sign in, whichever protocol carries their tokens. OAUTHBEARER is not
 * among them.
 */

import type { Doorkeeper } from "../doorkeeper.ts";
import type { Exchange, ExchangeOptions } from "./exchange.ts";
import { PlainExchange } from "./plain.ts";
import { ScramExchange } from "./scram-exchange.ts";

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

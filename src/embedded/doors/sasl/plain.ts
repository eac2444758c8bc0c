/** PLAIN (RFC 4616): one token, `[authzid] NUL user NUL password`. */

import type { Exchange, ExchangeOptions, Step } from "./exchange.ts";

export class PlainExchange implements Exchange {
  readonly #options: ExchangeOptions;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  async step(token: Buffer): Promise<Step> {
    const parts = token.toString("utf8").split("\0");
    const [as = "", user = "", password = ""] = parts;
    if (parts.length !== 3 || user === "" || password === "") {
      return { kind: "failed", text: "a PLAIN token is [authzid] NUL user NUL password" };
    }
    // Nobody may act as somebody else here.
    if (as !== "" && as !== user) {
      return { kind: "failed", text: "the authorization id must be the user's name, or empty" };
    }
    const { keeper, attempt } = this.#options;
    const principal = await keeper.password(password, { ...attempt, user });
    if (principal === undefined) {
      return { kind: "failed", text: "invalid user or password", told: true };
    }
    return { kind: "done", principal, token: Buffer.alloc(0) };
  }
}

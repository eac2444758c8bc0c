/**
 * The mechanisms by which clients sign in, as rhea asks for them: it hands on what the client says, sends
 * what is answered as a challenge, and looks at `outcome` to see whether that was the last.
 *
 * What SCRAM proves of the server travels as one more challenge, which the client answers with nothing:
 * rhea has no place for it beside the outcome.
 */

import type { Principal } from "../../../broker/sign-in.ts";
import type { Exchange, ExchangeOptions } from "../../doors/sasl/exchange.ts";
import { beginExchange, mechanismsOf } from "../../doors/sasl/mechanisms.ts";

export interface Mechanism {
  /** Undefined while there is more to be said. */
  readonly outcome: boolean | undefined;
  readonly username: string | undefined;
  start(token: unknown): Promise<Buffer | undefined>;
  step(token: unknown): Promise<Buffer | undefined>;
}

export type Mechanisms = Readonly<Record<string, () => Mechanism>>;

/** Those that are offered; `ended` is told who has signed in, or why nobody has. */
export function createMechanisms(
  options: ExchangeOptions,
  ended: (result: Principal | { readonly failed: string; readonly told: boolean }) => void,
): Mechanisms {
  const names = mechanismsOf(options.keeper);
  return Object.fromEntries(
    names.map((name) => [name, () => new ExchangeMechanism(beginExchange(name, options)!, ended)]),
  );
}

type Ended = Parameters<typeof createMechanisms>[1];

class ExchangeMechanism implements Mechanism {
  readonly #exchange: Exchange;
  readonly #ended: Ended;
  /** Proved; told so when the client has heard the server's own proof. */
  #proved: Principal | undefined;
  outcome: boolean | undefined;
  username: string | undefined;

  constructor(exchange: Exchange, ended: Ended) {
    this.#exchange = exchange;
    this.#ended = ended;
  }

  start(token: unknown): Promise<Buffer | undefined> {
    return this.step(token);
  }

  async step(token: unknown): Promise<Buffer | undefined> {
    if (this.#proved !== undefined) return this.#succeed(this.#proved);
    const step = await this.#exchange.step(Buffer.isBuffer(token) ? token : Buffer.alloc(0));
    switch (step.kind) {
      case "challenge":
        return step.token;
      case "done":
        if (step.token.length === 0) return this.#succeed(step.principal);
        this.#proved = step.principal;
        return step.token;
      case "failed":
        this.outcome = false;
        this.#ended({ failed: step.text, told: step.told === true });
        return undefined;
    }
  }

  #succeed(principal: Principal): undefined {
    this.outcome = true;
    this.username = principal.name;
    this.#ended(principal);
  }
}

/**
 * One client's sign-in by SCRAM: *fresh*, then *challenged*, then over.
 *
 * A user who does not exist is challenged as one who does, with a salt that stays the same for each
 * name, and fails only with the proof: otherwise strangers could ask who is known here. The salt and
 * the number of rounds look as those that `passwords()` makes; a hook with others gives it away.
 */

import { createHmac } from "node:crypto";
import type { ScramCredentials, ScramMechanism } from "../../../broker/sign-in.ts";
import type { Exchange, ExchangeOptions, Step } from "./exchange.ts";
import {
  HASHES,
  parseClientFinal,
  parseClientFirst,
  proves,
  serverFinal,
  serverFirst,
  type ClientFirst,
} from "./scram.ts";

const NONCE_BYTES = 18;
const SALT_BYTES = 16;
const ITERATIONS = 4_096;

interface Challenged {
  readonly first: ClientFirst;
  /** Our part of it. */
  readonly nonce: string;
  readonly challenge: string;
  /** Undefined for somebody who is not known. */
  readonly credentials: ScramCredentials | undefined;
}

export class ScramExchange implements Exchange {
  readonly #mechanism: ScramMechanism;
  readonly #options: ExchangeOptions;
  #challenged: Challenged | undefined;

  constructor(mechanism: ScramMechanism, options: ExchangeOptions) {
    this.#mechanism = mechanism;
    this.#options = options;
  }

  step(token: Buffer): Promise<Step> {
    const text = token.toString("utf8");
    return this.#challenged === undefined
      ? this.#begin(text)
      : this.#finish(text, this.#challenged);
  }

  async #begin(text: string): Promise<Step> {
    const { keeper, random } = this.#options;
    const first = parseClientFirst(text);
    if (first === undefined) return { kind: "failed", text: "no first message of SCRAM" };
    const credentials = await keeper.credentialsOf(first.user, this.#mechanism);
    const nonce = Buffer.from(random.bytes(NONCE_BYTES)).toString("base64url");
    const shown = credentials ?? this.#unknown(first.user);
    const challenge = serverFirst(first.nonce + nonce, shown);
    this.#challenged = { first, nonce, challenge, credentials };
    return { kind: "challenge", token: Buffer.from(challenge) };
  }

  async #finish(text: string, challenged: Challenged): Promise<Step> {
    const { first, nonce, challenge, credentials } = challenged;
    const final = parseClientFinal(text);
    // Some clients put their own nonce in front a second time; the proof covers what they sent.
    const ours = final?.nonce.endsWith(nonce) === true;
    if (!ours || final.channelBinding !== first.gs2Header) {
      return { kind: "failed", text: "no last message of this SCRAM exchange" };
    }
    const { keeper, attempt } = this.#options;
    const { user } = first;
    const authMessage = `${first.bare},${challenge},${final.withoutProof}`;
    const checked = credentials ?? this.#unknown(user);
    const principal = await keeper.attempt({ ...attempt, user }, async () => {
      const proved = proves(this.#mechanism, checked, final.proof, authMessage);
      if (!proved || credentials === undefined) return undefined;
      return credentials.principal ?? { name: user };
    });
    if (principal === undefined) {
      return { kind: "failed", text: "invalid user or password", told: true };
    }
    const token = Buffer.from(serverFinal(this.#mechanism, checked, authMessage));
    return { kind: "done", principal, token };
  }

  /** Credentials that nothing proves. */
  #unknown(user: string): ScramCredentials {
    const { secret } = this.#options.keeper;
    const hash = HASHES[this.#mechanism];
    const derived = (what: string): Buffer =>
      createHmac(hash, secret).update(`${what} ${user}`).digest();
    return {
      salt: derived("salt").subarray(0, SALT_BYTES),
      iterations: ITERATIONS,
      storedKey: derived("key"),
      serverKey: derived("key"),
    };
  }
}

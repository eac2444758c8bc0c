/**
 * What stands before a client that must sign in: ApiVersions, then SaslHandshake, then the tokens of
 * the mechanism, and nothing else (KIP-43, KIP-152).
 *
 * *fresh*, a handshake makes it *choosing v1*, where tokens come in SaslAuthenticate requests, or
 * *choosing v0*, where they come in bare frames without a header and are answered so; a token that the
 * mechanism accepts ends it with a principal. Everything else ends the connection, as in Kafka: after
 * an answer where the protocol has one, without a word where it has none. The sign-in has no end
 * (session lifetime 0), so no client signs in again (KIP-368).
 */

import type { Principal } from "../../../broker/sign-in.ts";
import type { Exchange, ExchangeOptions } from "../../doors/sasl/exchange.ts";
import { beginExchange, mechanismsOf } from "../../doors/sasl/mechanisms.ts";
import { decodeRequest, encodeResponse, type DecodedRequest } from "../codec/frames.ts";
import { API_TABLES } from "../codec/generated/apis.ts";
import { ERROR } from "../error-codes.ts";
import type { Reply } from "./request-line.ts";

export interface GateAnswer {
  readonly reply?: Reply;
  /** Why the connection ends when the reply has left; "" where the log has it already. */
  readonly hangUp?: string;
}

/** A request that is answered to everybody: not the gate's to answer. */
export type Passes = "passes";

type State =
  | { readonly kind: "fresh" }
  | { readonly kind: "chosen"; readonly bare: boolean; readonly exchange: Exchange }
  | { readonly kind: "over" };

const SIGN_IN_KEYS: readonly number[] = [
  API_TABLES.SaslHandshake.key,
  API_TABLES.SaslAuthenticate.key,
];

export class SignInGate {
  readonly #options: ExchangeOptions;
  #state: State = { kind: "fresh" };
  #principal: Principal | undefined;

  constructor(options: ExchangeOptions) {
    this.#options = options;
  }

  /** Who has signed in. */
  get principal(): Principal | undefined {
    return this.#principal;
  }

  /** Takes the frames of one client one after the other. Throws MalformedFrame, UnsupportedRequest. */
  async take(frame: Buffer): Promise<GateAnswer | Passes> {
    if (this.#state.kind === "chosen" && this.#state.bare) {
      return this.#bareToken(this.#state.exchange, frame);
    }
    const key = frame.length >= 2 ? frame.readInt16BE(0) : -1;
    if (key === API_TABLES.ApiVersions.key) return "passes";
    // Nothing else of a stranger's is even decoded.
    if (!SIGN_IN_KEYS.includes(key)) {
      return this.#over({ hangUp: `api key ${key} before the client has signed in` });
    }
    const request = decodeRequest(frame);
    if (request.api === "SaslHandshake") return this.#handshake(request);
    if (request.api === "SaslAuthenticate") return this.#token(request);
    return this.#over({ hangUp: `${request.api} before the client has signed in` });
  }

  #handshake(request: DecodedRequest & { readonly api: "SaslHandshake" }): GateAnswer {
    const { mechanism } = request.body;
    const mechanisms = mechanismsOf(this.#options.keeper);
    const { requestApiVersion: version, correlationId } = request.header;
    const answer = (errorCode: number): Reply =>
      encodeResponse("SaslHandshake", version, correlationId, { errorCode, mechanisms });
    if (this.#state.kind !== "fresh") {
      const reply = answer(ERROR.ILLEGAL_SASL_STATE);
      return this.#over({ reply, hangUp: "a second handshake" });
    }
    const exchange = beginExchange(mechanism, this.#options);
    if (exchange === undefined) {
      const reply = answer(ERROR.UNSUPPORTED_SASL_MECHANISM);
      return this.#over({ reply, hangUp: "a mechanism that is not offered" });
    }
    this.#state = { kind: "chosen", bare: version === 0, exchange };
    return { reply: answer(ERROR.NONE) };
  }

  async #token(
    request: DecodedRequest & { readonly api: "SaslAuthenticate" },
  ): Promise<GateAnswer> {
    const { requestApiVersion: version, correlationId } = request.header;
    const answer = (errorCode: number, errorMessage: string | null, authBytes: Buffer): Reply =>
      encodeResponse("SaslAuthenticate", version, correlationId, {
        errorCode,
        errorMessage,
        authBytes,
      });
    if (this.#state.kind !== "chosen") {
      const text = "SaslHandshake comes before SaslAuthenticate";
      const reply = answer(ERROR.ILLEGAL_SASL_STATE, text, Buffer.alloc(0));
      return this.#over({ reply, hangUp: "a token without a handshake" });
    }
    const step = await this.#state.exchange.step(request.body.authBytes);
    if (step.kind === "failed") {
      const text = `Authentication failed: ${step.text}`;
      const reply = answer(ERROR.SASL_AUTHENTICATION_FAILED, text, Buffer.alloc(0));
      return this.#over({ reply, hangUp: step.told === true ? "" : step.text });
    }
    if (step.kind === "done") this.#end(step.principal);
    return { reply: answer(ERROR.NONE, null, step.token) };
  }

  async #bareToken(exchange: Exchange, token: Buffer): Promise<GateAnswer> {
    const step = await exchange.step(token);
    if (step.kind === "failed") return this.#over({ hangUp: step.told === true ? "" : step.text });
    if (step.kind === "done") this.#end(step.principal);
    const length = Buffer.alloc(4);
    length.writeInt32BE(step.token.length);
    return { reply: [length, step.token] };
  }

  #end(principal: Principal): void {
    this.#principal = principal;
    this.#state = { kind: "over" };
  }

  #over(answer: GateAnswer): GateAnswer {
    this.#state = { kind: "over" };
    return answer;
  }
}

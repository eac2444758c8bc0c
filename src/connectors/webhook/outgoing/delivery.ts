/** Delivering one message to a webhook: encoded, signed, sent, and the answer judged. */

import { validateHeaderName, validateHeaderValue } from "node:http";
import {
  binaryHeaders,
  STRUCTURED_MEDIA_TYPE,
  structuredText,
} from "../../../codecs/cloudevents-http-writer.ts";
import { jsonCodec } from "../../../codecs/json.ts";
import type { Clock, Timer } from "../../../model/clock.ts";
import { MillraceError } from "../../../model/errors.ts";
import type { Message } from "../../../model/message.ts";
import { durationMs, type Duration } from "../../../schema/duration.ts";
import { badMessage, dependencyDown } from "../../../service/failure.ts";
import { parseSecret, sign, webhookId, type Secret } from "../signature.ts";
import { dial, DIALER, type Dialer } from "./dial.ts";
import { exchange, type Answer } from "./exchange.ts";
import { parseTarget, type Target, type TargetOptions } from "./target.ts";
import { failureOf } from "./verdict.ts";

export interface DeliveryOptions extends TargetOptions {
  /** Signs every delivery: `whsec_…`. Several while one takes the place of another, the newest first. */
  readonly secret: string | readonly string[];
  /** CloudEvents 1.0 as one JSON object, or with its attributes as headers; structured unless said. */
  readonly mode?: "structured" | "binary";
  /** Sent with every delivery: `authorization`, say. Never shown. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole delivery; 15 seconds unless said. */
  readonly timeout?: Duration;
  /** Until the connection stands; 5 seconds unless said. */
  readonly connectTimeout?: Duration;
  /** Until the answer begins; 10 seconds unless said. */
  readonly answerTimeout?: Duration;
  /** Certificates (PEM) of authorities beside the well-known ones. */
  readonly ca?: string;
  /** How names become addresses and addresses connections; the machine's own ways unless given. */
  readonly dialer?: Dialer;
}

export const DELIVERY_OPTIONS: readonly (keyof DeliveryOptions)[] = [
  "url",
  "allow",
  "plainHttp",
  "secret",
  "mode",
  "headers",
  "timeout",
  "connectTimeout",
  "answerTimeout",
  "ca",
  "dialer",
];

export interface DeliveryContext {
  /** The webhook's id of the delivery, the same on every try. */
  readonly id: string;
  readonly nowMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

const TIMEOUTS_MS = { timeout: 15_000, connectTimeout: 5_000, answerTimeout: 10_000 };
/** What the delivery writes itself. */
const OWN_HEADERS =
  /^(host|connection|content-.*|transfer-encoding|upgrade|te|trailer|webhook-.*|ce-.*)$/;

export class Delivery {
  readonly #what: string;
  readonly #target: Target;
  readonly #secrets: readonly Secret[];
  readonly #options: DeliveryOptions;
  readonly #timeoutsMs: typeof TIMEOUTS_MS;

  /** Throws BAD_DECLARATION. */
  constructor(what: string, options: DeliveryOptions) {
    this.#what = what;
    this.#target = parseTarget(what, options);
    this.#secrets = secretsOf(what, options.secret);
    this.#options = options;
    this.#timeoutsMs = timeoutsOf(what, options);
    const { mode = "structured", headers = {} } = options;
    if (mode !== "structured" && mode !== "binary") {
      refuse(`mode of ${what} is ${JSON.stringify(mode)}; write "structured" or "binary"`);
    }
    for (const [name, value] of Object.entries(headers)) checkHeader(what, name, value);
  }

  /**
   * Resolves when the receiver has taken the message. Throws DEPENDENCY_DOWN, DELIVERY_FAILED,
   * BAD_MESSAGE, ADDRESS_REFUSED, and the signal's reason.
   */
  async deliver(message: Message, context: DeliveryContext): Promise<Answer> {
    const { nowMs } = context;
    const answer = await this.#send(this.#request(message, context), context);
    const failure = failureOf(answer, `${this.#what} at ${this.#target.origin}`, nowMs);
    if (failure !== undefined) throw failure;
    return answer;
  }

  #request(message: Message, { id, nowMs }: DeliveryContext): SignedRequest {
    const { mode = "structured", headers } = this.#options;
    const { envelope } = message;
    // A message that is only passed on is decoded where its data is asked for, and here it need not be.
    const payload = message.raw?.value ?? jsonCodec(undefined).encode(message.data);
    const binary = mode === "binary";
    const body = binary ? payload : Buffer.from(structuredText(envelope, jsonTextOf(payload)));
    const timestamp = String(Math.floor(nowMs / 1000));
    const signed = { id: webhookId(id), timestamp, body };
    return {
      body,
      headers: {
        "user-agent": "millrace",
        accept: "*/*",
        ...headers,
        ...(binary ? binaryHeaders(envelope) : { "content-type": STRUCTURED_MEDIA_TYPE }),
        "webhook-id": signed.id,
        "webhook-timestamp": timestamp,
        "webhook-signature": sign(this.#secrets, signed),
      },
    };
  }

  async #send(request: SignedRequest, { clock, signal: stop }: DeliveryContext): Promise<Answer> {
    const late = new AbortController();
    const signal = AbortSignal.any([stop, late.signal]);
    const limit = (name: keyof typeof TIMEOUTS_MS, what: string): Timer => {
      const ms = this.#timeoutsMs[name];
      const reason = `${this.#target.origin} ${what} within ${ms} ms`;
      return clock.after(ms, () => late.abort(dependencyDown(reason)));
    };
    using timers = new DisposableStack();
    const timed = (timer: Timer): Timer => timers.adopt(timer, (each) => each.cancel());
    timed(limit("timeout", "was not done"));
    const connecting = timed(limit("connectTimeout", "took no connection"));
    const { dialer = DIALER, ca } = this.#options;
    const socket = await dial(this.#target, { dialer, ca, signal });
    connecting.cancel();
    const answering = timed(limit("answerTimeout", "did not answer"));
    const answered = (): void => answering.cancel();
    return await exchange(socket, this.#target, { ...request, signal, answered });
  }
}

/** Throws BAD_MESSAGE: inside of a structured event, what is no JSON would spoil all of it. */
function jsonTextOf(payload: Uint8Array): string {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(payload);
    JSON.parse(text);
    return text;
  } catch (cause) {
    throw badMessage("the payload is not JSON, and can be posted in binary mode alone", { cause });
  }
}

interface SignedRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

function timeoutsOf(what: string, options: DeliveryOptions): typeof TIMEOUTS_MS {
  const msOf = (name: keyof typeof TIMEOUTS_MS): number => {
    const given = options[name];
    return given === undefined ? TIMEOUTS_MS[name] : durationMs(given, `${name} of ${what}`);
  };
  return {
    timeout: msOf("timeout"),
    connectTimeout: msOf("connectTimeout"),
    answerTimeout: msOf("answerTimeout"),
  };
}

function secretsOf(what: string, secret: DeliveryOptions["secret"]): readonly Secret[] {
  const texts = typeof secret === "string" || secret === undefined ? [secret] : secret;
  if (texts.length === 0) refuse(`${what} has no secret; receivers could not tell who sent it`);
  return texts.map((text) => parseSecret(text, what));
}

function checkHeader(what: string, name: string, value: string): void {
  try {
    validateHeaderName(name);
    validateHeaderValue(name, value);
  } catch {
    refuse(`the header ${JSON.stringify(name.slice(0, 60))} of ${what} cannot be sent; correct it`);
  }
  if (OWN_HEADERS.test(name.toLowerCase())) {
    refuse(`the header ${name} of ${what} is written by the delivery itself; leave it out`);
  }
}

function refuse(text: string): never {
  throw new MillraceError("BAD_DECLARATION", text);
}

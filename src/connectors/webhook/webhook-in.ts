/**
 * Webhooks coming in: an address to which others post, and that turns what they post into messages of
 * one stream or queue.
 *
 * In this order: the body is read up to its bound, the signature is checked, then the content is
 * looked at, and the answer is 2xx only when everything is durable. A sender that tries again sends
 * the same id, and the messages are published with ids made of it, so a repeat counts once: within
 * the channel's window, and for consumers within their inbox.
 */

import { readBinary, readStructured, type ReceivedEvent } from "../../codecs/cloudevents-http.ts";
import { elementsOf, parseJson } from "../../codecs/json-text.ts";
import { jsonCodec } from "../../codecs/json.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Draft } from "../../model/message.ts";
import type { Channel, DraftOf, MessageType } from "../../schema/declaration.ts";
import { durationMs, type Duration } from "../../schema/duration.ts";
import { checkOptions, checkPartName, listOf, refuse } from "../../service/declaration-checks.ts";
import type { InboundMessage, WebhookContext, WebhookReceiver } from "../../service/inbound.ts";
import { readBody, refusal, textOf } from "./incoming/receive.ts";
import { createVerifier, type Verification, type Verifier } from "./incoming/verifier.ts";

type DraftsInto<To extends Channel> = DraftOf<To["types"][keyof To["types"]]>;

export interface WebhookInOptions<To extends Channel = Channel> {
  /** Below `/hooks/`; the name unless said. */
  readonly path?: string;
  /** Shared with the sender. Several while one takes the place of another. */
  readonly secret: string | readonly string[];
  /** Where the messages go. */
  readonly to: To;
  /**
   * Makes messages of a JSON body; undefined or an empty list for what is of no interest. Without it
   * the body is a CloudEvent (binary, structured, or a batch) of a type that `to` carries. What it
   * throws as `badMessage` is answered with 422.
   */
  readonly map?: (
    body: any,
    headers: Headers,
  ) => DraftsInto<To> | readonly DraftsInto<To>[] | undefined;
  /** How the sender signs; `standard` unless said. */
  readonly verify?: Verification;
  /** How old a signature may be where it says when it was made; 5 minutes unless said. */
  readonly tolerance?: Duration;
  /** 262,144 unless said. */
  readonly bodyBytesMax?: number;
}

const TOLERANCE_MS = 300_000;
const BODY_BYTES_MAX = 262_144;
const BODY_BYTES_LIMIT = 16 * 1024 * 1024;
const PATH = /^[A-Za-z0-9._~-]+(\/[A-Za-z0-9._~-]+)*$/;

/** Declares an address for others to post to. Throws BAD_DECLARATION. */
export function webhookIn<const To extends Channel>(
  name: string,
  options: WebhookInOptions<To>,
): WebhookReceiver {
  checkPartName(name, "webhook");
  const what = `webhook "${name}"`;
  checkOptions(options, what, [
    "path",
    "secret",
    "to",
    "map",
    "verify",
    "tolerance",
    "bodyBytesMax",
  ]);
  const {
    path = name,
    to,
    verify = "standard",
    tolerance,
    bodyBytesMax = BODY_BYTES_MAX,
  } = options;
  if (
    typeof path !== "string" ||
    !PATH.test(path) ||
    path.split("/").some((step) => /^\.+$/.test(step))
  ) {
    refuse(
      `path of ${what} is ${JSON.stringify(path)}; write steps of letters and digits such as partner/orders`,
    );
  }
  if (to?.kind !== "stream" && to?.kind !== "queue") {
    refuse(`${what} publishes nowhere; name a stream or queue in to`);
  }
  if (!Number.isInteger(bodyBytesMax) || bodyBytesMax < 1 || bodyBytesMax > BODY_BYTES_LIMIT) {
    refuse(
      `bodyBytesMax of ${what} is ${bodyBytesMax}; give a whole number from 1 to ${BODY_BYTES_LIMIT}`,
    );
  }
  const secrets = listOf(options.secret);
  if (secrets.length === 0) refuse(`${what} has no secret; anybody could post to it`);
  const toleranceMs =
    tolerance === undefined ? TOLERANCE_MS : durationMs(tolerance, `tolerance of ${what}`);
  const verifier = createVerifier(what, { verify, secrets, toleranceMs });
  const intake = new Intake({ name, to, map: options.map });
  return Object.freeze<WebhookReceiver>({
    name,
    path,
    to: [to],
    handle: async (request, context) => {
      try {
        return await receive(request, context, { intake, verifier, bodyBytesMax });
      } catch (error) {
        const answer = refusal(error);
        // What the sender is not at fault for is told to us, not to it.
        if (answer.status >= 500) {
          const text = error instanceof Error ? error.message : String(error);
          context.log?.error({ webhook: name, error: text }, "a delivery could not be taken");
        }
        return answer;
      }
    },
  });
}

async function receive(
  request: Request,
  { publish, nowMs }: WebhookContext,
  hook: { readonly intake: Intake; readonly verifier: Verifier; readonly bodyBytesMax: number },
): Promise<Response> {
  if (request.method !== "POST") {
    return Response.json(
      { code: "BAD_REQUEST", message: "a webhook is posted to this address" },
      { status: 405, headers: { allow: "POST" } },
    );
  }
  const { headers } = request;
  const body = await readBody(request, hook.bodyBytesMax);
  const verified = hook.verifier({ headers, body, nowMs });
  if (!verified.ok) throw new MillraceError("NOT_ALLOWED", verified.why);
  const messages = hook.intake.messagesOf(headers, body, { id: verified.id, nowMs });
  const outcomes = messages.length === 0 ? [] : await publish(messages);
  const failed = outcomes.find((outcome) => !outcome.ok);
  // The others are durable; the sender's next try repeats them, and they count once.
  if (failed !== undefined && !failed.ok) throw failed.error;
  return new Response(null, { status: 204 });
}

interface IntakeOptions {
  readonly name: string;
  readonly to: Channel;
  readonly map: ((body: any, headers: Headers) => Draft | readonly Draft[] | undefined) | undefined;
}

/** From a body whose sender is known to messages. */
class Intake {
  readonly #options: IntakeOptions;
  readonly #types: ReadonlyMap<string, MessageType>;

  constructor(options: IntakeOptions) {
    this.#options = options;
    const types = Object.values<MessageType>(options.to.types);
    this.#types = new Map(types.map((type) => [type.type, type]));
  }

  /** Throws UNSUPPORTED_CONTENT, BAD_JSON, BAD_ENVELOPE, UNKNOWN_TYPE, and what the map throws. */
  messagesOf(
    headers: Headers,
    body: Uint8Array,
    delivered: { readonly id: string; readonly nowMs: number },
  ): readonly InboundMessage[] {
    const { map } = this.#options;
    const [mediaType = ""] = (headers.get("content-type") ?? "").toLowerCase().split(";");
    if (map === undefined) return this.#events(headers, mediaType.trim(), body, delivered.nowMs);
    if (!/^application\/([\w.-]+\+)?json$/.test(mediaType.trim())) {
      throw unsupported(mediaType, "application/json");
    }
    const drafts = listOf(map(parseJson(textOf(body)), headers));
    return drafts.map((draft, index) => this.#mapped(draft, delivered.id, index));
  }

  #mapped(draft: Draft, delivery: string, index: number): InboundMessage {
    const { name } = this.#options;
    const type = this.#typeOf(draft.type);
    const id = `${name}/${delivery}`;
    return {
      ...this.#sender(),
      type: draft.type,
      id: index === 0 ? id : `${id}/${index}`,
      source: name,
      dataJson: jsonCodec(type.jsonSchema).stringify(draft.data),
    };
  }

  #events(
    headers: Headers,
    mediaType: string,
    body: Uint8Array,
    nowMs: number,
  ): readonly InboundMessage[] {
    const text = textOf(body);
    const events: ReceivedEvent[] = [];
    if (headers.has("ce-specversion")) {
      const given = Object.fromEntries(headers.entries());
      parseJson(text);
      events.push(readBinary(given, headers.get("content-type") ?? "", text, { nowMs }));
    } else if (mediaType === "application/cloudevents+json") {
      events.push(readStructured(text, { nowMs }));
    } else if (mediaType === "application/cloudevents-batch+json") {
      if (!Array.isArray(parseJson(text))) {
        throw new MillraceError("BAD_REQUEST", "a batch of CloudEvents is a JSON array");
      }
      events.push(...elementsOf(text).map((each) => readStructured(each, { nowMs })));
    } else throw unsupported(mediaType, "application/cloudevents+json");
    return events.map((event) => {
      this.#typeOf(event.type);
      const { replyTo: _replyTo, ...told } = event;
      return { ...told, ...this.#sender() };
    });
  }

  /** A sender speaks for itself: it neither chooses whose wish it is nor where answers go. */
  #sender(): Pick<InboundMessage, "actor" | "to"> & object {
    const { name, to } = this.#options;
    return { actor: `webhook/${name}`, to: { kind: to.kind, name: to.name } };
  }

  #typeOf(type: string): MessageType {
    const found = this.#types.get(type);
    if (found !== undefined) return found;
    throw new MillraceError(
      "UNKNOWN_TYPE",
      `the type ${JSON.stringify(type.slice(0, 100))} is not taken here; send ${[...this.#types.keys()].join(", ")}`,
      { details: { field: "type" } },
    );
  }
}

function unsupported(mediaType: string, wanted: string): MillraceError {
  return new MillraceError(
    "UNSUPPORTED_CONTENT",
    `the body is ${mediaType === "" ? "of no type" : JSON.stringify(mediaType.slice(0, 100))}; send ${wanted}`,
  );
}

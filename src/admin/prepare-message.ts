/**
 * What a service's producer does for declared messages, for messages that come as text.
 *
 * A declared type is checked against its schema and goes where it is declared; the payload's own text
 * is stored, so no digit of it changes. An undeclared type goes only where `to` says, and never into
 * a channel that is declared here: its readers could do nothing but park it.
 */

import { encodeMessage } from "../codecs/cloudevents.ts";
import { jsonCodec } from "../codecs/json.ts";
import type { Envelope } from "../model/envelope.ts";
import { MillraceError } from "../model/errors.ts";
import { LIMITS } from "../model/limits.ts";
import type { RawMessage } from "../model/message.ts";
import type { Channel, MessageType } from "../schema/declaration.ts";
import { checkPayload, readPayload } from "../schema/payload.ts";
import type { RegisteredType } from "../schema/registry.ts";
import type { PublishRequest, Target } from "./admin.ts";
import type { AdminContext } from "./context.ts";

/** The source of messages that say none. */
const SOURCE = "admin";

export interface PreparedMessage {
  readonly id: string;
  readonly target: Target;
  readonly message: RawMessage;
}

/** Throws BAD_ENVELOPE, BAD_PAYLOAD, BAD_JSON, UNKNOWN_TYPE, UNKNOWN_VERSION, TOO_LARGE, BAD_ARGUMENT. */
export function prepareMessage(context: AdminContext, request: PublishRequest): PreparedMessage {
  const { dataJson, to: _, ...fields } = request;
  if (!dataJson.isWellFormed()) {
    throw new MillraceError(
      "BAD_JSON",
      "the payload holds half a surrogate pair, which UTF-8 cannot",
    );
  }
  const tooLarge = payloadTooLarge(dataJson);
  if (tooLarge !== undefined) throw tooLarge;
  const bytes = new TextEncoder().encode(dataJson);
  const registered = context.registry.find(request.type);
  const target = targetOf(context, request, registered);
  const declared = registered?.declaration;
  const kind = target.kind === "stream" ? "event" : "command";
  checkKind(request, kind, target);

  const data = jsonCodec(declared?.jsonSchema).decode(bytes);
  const version = request.version ?? declared?.version ?? 1;
  const key = declared === undefined ? request.key : declaredKey(declared, request, version, data);
  const stamped: Envelope = {
    ...fields,
    id: request.id ?? context.environment.ids.newId(),
    kind,
    version,
    source: request.source ?? SOURCE,
    time: request.time ?? context.environment.clock.now(),
    ...(key !== undefined && { key }),
  };
  const message = encodeMessage(stamped, bytes);
  checkTexts(message);
  return { id: stamped.id, target, message };
}

/** UTF-8 has no half of a surrogate pair: two ids or keys that differ in it alone would become one. */
function checkTexts({ key, headers }: RawMessage): void {
  for (const [name, value] of [["key", key] as const, ...headers]) {
    if (typeof value !== "string" || value.isWellFormed()) continue;
    const field = name.replace(/^ce_/, "");
    throw new MillraceError(
      "BAD_ENVELOPE",
      `the message's ${field} holds half a surrogate pair, which UTF-8 cannot; write whole letters`,
      { details: { field } },
    );
  }
}

function declaredKey(
  declared: MessageType,
  request: PublishRequest,
  version: number,
  data: unknown,
): string | undefined {
  // An older version is checked as its reader will see it.
  const { key } =
    version === declared.version
      ? checkPayload(declared, data)
      : { key: declared.key?.(readPayload(declared, version, data)) };
  if (key === undefined) return request.key;
  if (request.key !== undefined && request.key !== key) {
    throw new MillraceError(
      "BAD_ENVELOPE",
      `the key of ${declared.type} is ${JSON.stringify(key)} by its declaration, not ${JSON.stringify(request.key.slice(0, 100))}; leave the key out`,
      { details: { field: "key" } },
    );
  }
  return key;
}

function targetOf(
  { registry }: AdminContext,
  { type, to }: PublishRequest,
  registered: RegisteredType | undefined,
): Target {
  if (to === undefined) {
    const { channels } = registered ?? registry.get(type);
    if (channels.length === 1) return asTarget(channels[0]!);
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${type} is declared in ${channels.map((channel) => `${channel.kind} ${channel.name}`).join(", ")}; say where to`,
      { details: { argument: "to", type } },
    );
  }
  const channel = registry.channels.find(({ kind, name }) => kind === to.kind && name === to.name);
  if (channel !== undefined && registered?.channels.includes(channel) !== true) {
    const types = Object.values<MessageType>(channel.types).map((known) => known.type);
    throw new MillraceError(
      "UNKNOWN_TYPE",
      `the ${to.kind} ${to.name} does not carry ${JSON.stringify(type.slice(0, 100))}; it carries ${types.join(", ")}`,
      { details: { type: type.slice(0, 100), known: types } },
    );
  }
  return { kind: to.kind, name: to.name };
}

function asTarget({ kind, name }: Channel): Target {
  return { kind, name };
}

function checkKind(request: PublishRequest, kind: "event" | "command", target: Target): void {
  const { kind: given = kind } = request;
  if (given === kind || (given === "reply" && kind === "command")) return;
  throw new MillraceError(
    "BAD_ENVELOPE",
    `the message's kind is ${given}, but a ${target.kind} such as ${target.name} takes ${kind}s`,
    { details: { field: "kind" } },
  );
}

/** TOO_LARGE where no message could hold the payload, before anything is done with it. */
export function payloadTooLarge(dataJson: string): MillraceError | undefined {
  const bytes = Buffer.byteLength(dataJson);
  if (bytes <= LIMITS.messageBytesMax) return undefined;
  return new MillraceError(
    "TOO_LARGE",
    `the payload has ${bytes} bytes, a message at most ${LIMITS.messageBytesMax}; store large data elsewhere and publish where`,
    { details: { bytes, limitBytes: LIMITS.messageBytesMax } },
  );
}

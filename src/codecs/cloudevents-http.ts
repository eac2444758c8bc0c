/**
 * CloudEvents 1.0 by its HTTP protocol binding: binary mode (attributes are `ce-` headers, the body
 * is the data) and structured mode (one JSON object; a batch is an array of them).
 *
 * A stranger may not say where a message stands in a service's own output (`lane…`), how often it was
 * tried, nor for which command it stands: by a forged place or id the runtime would take the true
 * message for a repetition.
 */

import { RUNTIME_ATTRIBUTES } from "../model/attributes.ts";
import type { Envelope } from "../model/envelope.ts";
import { MillraceError } from "../model/errors.ts";
import type { Header } from "../model/message.ts";
import { decodeEnvelope } from "./cloudevents-reader.ts";
import { membersOf, parseObject } from "./json-text.ts";

/** An event as it came: its envelope as far as it said, and its JSON payload's own text. */
export interface ReceivedEvent extends Partial<
  Omit<Envelope, "type" | "contentType" | "place" | "attempt">
> {
  readonly type: string;
  readonly dataJson: string;
}

export interface CloudEventContext {
  /** The time of a message that names none. */
  readonly nowMs: number;
}

/** Throws BAD_ENVELOPE naming the attribute. */
export function readBinary(
  headers: Readonly<Record<string, string>>,
  contentType: string,
  dataJson: string,
  context: CloudEventContext,
): ReceivedEvent {
  const attributes = Object.entries(headers)
    .filter(([name]) => name.startsWith("ce-"))
    .map(([name, value]) => [name.slice(3), percentDecoded(name.slice(3), value)] as const);
  return toRequest(attributes, contentType, dataJson, context);
}

/** `text` is valid JSON. Throws BAD_ENVELOPE naming the attribute, UNSUPPORTED_CONTENT. */
export function readStructured(text: string, context: CloudEventContext): ReceivedEvent {
  const event = parseObject(text);
  if (event === undefined) {
    throw new MillraceError("BAD_ENVELOPE", "a structured CloudEvent is a JSON object");
  }
  const { data, data_base64, datacontenttype = "application/json", ...rest } = event;
  if (data_base64 !== undefined) {
    throw unsupported(
      "data_base64 carries bytes, and this door takes JSON payloads; put the JSON under data",
    );
  }
  if (data === undefined)
    throw badAttribute(
      "data",
      "is missing; a payload is required, null if there is nothing to say",
    );
  const attributes = Object.entries(rest)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => [name, attributeText(name, value)] as const);
  return toRequest(
    attributes,
    attributeText("datacontenttype", datacontenttype),
    membersOf(text).get("data")!,
    context,
  );
}

function toRequest(
  attributes: readonly (readonly [name: string, value: string])[],
  contentType: string,
  dataJson: string,
  { nowMs }: CloudEventContext,
): ReceivedEvent {
  if (!isJson(contentType)) {
    throw unsupported(
      `the payload is ${JSON.stringify(contentType.slice(0, 100))}, and this door takes application/json`,
    );
  }
  for (const [name] of attributes) {
    if (RUNTIME_ATTRIBUTES.has(name)) {
      throw badAttribute(name, "is written by Millrace's own runtime alone; leave it out");
    }
  }
  const headers: Header[] = attributes.map(([name, value]) => [`ce_${name}`, value]);
  const envelope = decodeEnvelope({ key: null, headers, value: null }, { receivedMs: nowMs });
  const kindGiven = attributes.some(([name]) => name === "kind");
  const versionGiven = attributes.some(([name]) => name === "schemaversion");
  const { kind, version, ...rest } = envelope;
  return {
    ...rest,
    ...(kindGiven && { kind }),
    ...(versionGiven && { version }),
    dataJson,
  };
}

function isJson(contentType: string): boolean {
  return /^application\/(json|[\w.-]+\+json)\s*(;|$)/i.test(contentType.trim());
}

/** The binding's rule: characters outside printable ASCII, the space, `"` and `%` are percent-encoded. */
function percentDecoded(name: string, value: string): string {
  try {
    return decodeURIComponent(value.replaceAll(/%(?![0-9a-f]{2})/gi, "%25"));
  } catch {
    throw badAttribute(name, "is percent-encoded, but not from UTF-8");
  }
}

function attributeText(name: string, value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw badAttribute(name, "must be a text, a number or true or false");
}

function badAttribute(name: string, why: string): MillraceError {
  const field = name.slice(0, 40);
  return new MillraceError(
    "BAD_ENVELOPE",
    `the CloudEvent's attribute ${JSON.stringify(field)} ${why}`,
    {
      details: { field },
    },
  );
}

function unsupported(text: string): MillraceError {
  return new MillraceError("UNSUPPORTED_CONTENT", text);
}

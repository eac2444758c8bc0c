/** From the bytes of a message of AMQP to what is kept of it; see `stored-form.ts`. */

import { formatTime, isWritableTime } from "../../../codecs/rfc3339.ts";
import type { Header, RawMessage } from "../../../model/message.ts";
import { type Scalar, variableContent } from "../protocol/encoding.ts";
import {
  DATA,
  entriesOf,
  fieldsOf,
  splitSections,
  VALUE,
  type Section,
  type Sections,
} from "./sections.ts";
import { bufferOf, pushStored, STORED } from "./stored-form.ts";

export interface IncomingMessage {
  readonly message: RawMessage;
  /** Not to be delivered before so many milliseconds from now. */
  readonly delayMs: number;
  /** Where the message itself says that it goes. */
  readonly to: string | undefined;
}

/** Fields of the header (part 3.2.1) and of the properties (part 3.2.4), by their places. */
const TTL = 2;
const MESSAGE_ID = 0;
const TO = 2;
const CONTENT_TYPE = 6;
const ABSOLUTE_EXPIRY_TIME = 8;
const GROUP_ID = 10;

/** Both are allowed (CloudEvents AMQP binding, section 3.1.3); the first is preferred. */
const PREFIXES = ["cloudEvents_", "cloudEvents:"];

const DELIVERY_TIME = "x-opt-delivery-time";
const DELIVERY_DELAY = "x-opt-delivery-delay";
const PARTITION_KEY = "x-opt-partition-key";
/** Longer ones are cut: a year. */
const DELAY_MS_MAX = 366 * 24 * 3_600_000;

/** Throws MalformedAmqp for anything but a whole message. */
export function readMessage(bytes: Buffer, format: number, nowMs: number): IncomingMessage {
  const sections = splitSections(bytes);
  const properties = sections.properties && fieldsOf(bytes, sections.properties);
  const annotations = annotationsOf(sections);
  const headers: Header[] = [];
  const subject = pushAttributes(headers, sections, properties);
  const value = pushSections(headers, sections, format);
  pushExpiry(headers, sections, { properties, nowMs });
  const group = properties?.[GROUP_ID];
  const partitionKey = annotations.get(PARTITION_KEY);
  const key = keyOf(group) ?? keyOf(partitionKey) ?? subject ?? null;
  const to = properties?.[TO];
  return {
    message: { key, headers, value },
    delayMs: delayOf(annotations, nowMs),
    to: typeof to === "string" ? to : undefined,
  };
}

function annotationsOf({ bytes, messageAnnotations }: Sections): Map<string, Scalar | undefined> {
  return new Map(messageAnnotations && entriesOf(bytes, messageAnnotations));
}

function keyOf(value: Scalar | undefined): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

/** Writes the attributes of a CloudEvent, or the id of another message. Returns the event's subject. */
function pushAttributes(
  headers: Header[],
  { bytes, applicationProperties }: Sections,
  properties: readonly (Scalar | undefined)[] | undefined,
): string | undefined {
  const attributes = new Map<string, string>();
  if (applicationProperties !== undefined) {
    for (const [name, value] of entriesOf(bytes, applicationProperties)) {
      const prefix = PREFIXES.find((each) => name.startsWith(each));
      const text = prefix === undefined ? undefined : textOf(value);
      if (text !== undefined) attributes.set(name.slice(prefix!.length).toLowerCase(), text);
    }
  }
  // The binding puts it into the property; some write it twice.
  const contentType = properties?.[CONTENT_TYPE] ?? attributes.get("datacontenttype");
  attributes.delete("datacontenttype");
  if (attributes.has("specversion")) {
    for (const [name, text] of attributes) headers.push([`ce_${name}`, text]);
  } else {
    const id = idOf(properties?.[MESSAGE_ID]);
    if (id !== undefined) headers.push([STORED.messageId, id]);
  }
  if (typeof contentType === "string") headers.push(["content-type", contentType]);
  return attributes.has("specversion") ? attributes.get("subject") : undefined;
}

/** By CloudEvents' own text of each of its types. */
function textOf(value: Scalar | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "object") {
    if (!(value instanceof Date)) return bufferOf(value).toString("base64");
    const ms = value.getTime();
    return isWritableTime(ms) ? formatTime(ms) : undefined;
  }
  return String(value);
}

/** The types of ids are apart from one another: 1 and "1" are two. */
function idOf(value: Scalar | undefined): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (value instanceof Uint8Array) return `b:${bufferOf(value).toString("base64")}`;
  return typeof value === "string" ? `s:${value}` : `n:${String(value)}`;
}

/** Writes the sections, and returns what the message's value is. */
function pushSections(headers: Header[], sections: Sections, format: number): Buffer {
  const { bytes, header, messageAnnotations, properties, applicationProperties, footer } = sections;
  const keep = (name: Parameters<typeof pushStored>[1], section: Section | undefined): void => {
    if (section !== undefined) pushStored(headers, name, bytes.subarray(section.from, section.to));
  };
  keep(STORED.header, header);
  keep(STORED.annotations, messageAnnotations);
  keep(STORED.properties, properties);
  keep(STORED.applicationProperties, applicationProperties);
  keep(STORED.footer, footer);
  if (format !== 0) headers.push([STORED.format, String(format)]);
  const first = sections.body[0]!;
  const last = sections.body.at(-1)!;
  const bare = first === last && (first.kind === DATA || first.kind === VALUE);
  const content = bare ? variableContent(bytes, first.valueAt) : undefined;
  if (content === undefined || isSymbol(content.code)) {
    headers.push([STORED.body, ""]);
    return bytes.subarray(first.from, last.to);
  }
  pushStored(headers, STORED.body, bytes.subarray(first.from, content.from));
  return bytes.subarray(content.from, content.to);
}

function isSymbol(code: number): boolean {
  return code === 0xa3 || code === 0xb3;
}

function pushExpiry(
  headers: Header[],
  { bytes, header }: Sections,
  time: { properties: readonly (Scalar | undefined)[] | undefined; nowMs: number },
): void {
  const ttl = header && fieldsOf(bytes, header)[TTL];
  const absolute = time.properties?.[ABSOLUTE_EXPIRY_TIME];
  const moments = [
    ...(typeof ttl === "number" ? [time.nowMs + ttl] : []),
    ...(absolute instanceof Date && absolute.getTime() > 0 ? [absolute.getTime()] : []),
  ];
  if (moments.length > 0) headers.push([STORED.expires, String(Math.min(...moments))]);
}

function delayOf(annotations: ReadonlyMap<string, Scalar | undefined>, nowMs: number): number {
  const time = annotations.get(DELIVERY_TIME);
  const delay = annotations.get(DELIVERY_DELAY);
  const dueMs = time instanceof Date ? time.getTime() : time;
  const waits = typeof dueMs === "number" ? dueMs - nowMs : typeof delay === "number" ? delay : 0;
  return Math.min(Math.max(0, waits), DELAY_MS_MAX);
}

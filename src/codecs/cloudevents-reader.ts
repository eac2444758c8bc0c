/** Reads envelopes from CloudEvents attributes that nobody has checked yet; see `cloudevents.ts`. */

import { FIELD_ATTRIBUTES, type FieldAttribute, isExtensionName } from "../model/attributes.ts";
import type { Envelope, LanePlace, TraceContext, MessageKind } from "../model/envelope.ts";
import type { Header, RawMessage } from "../model/message.ts";
import { badEnvelope, JSON_MEDIA_TYPE, missing } from "./cloudevents-attributes.ts";
import { parseTime } from "./rfc3339.ts";

/** What the headers do not say and the reader knows. */
export interface Received {
  /** When the broker took the message: its time, where it names none. */
  readonly receivedMs: number;
}

/**
 * Reads the envelope; the payload stays as it is.
 *
 * Throws BAD_ENVELOPE naming the first field that is missing or ill-formed, and nothing else.
 */
export function decodeEnvelope(raw: RawMessage, { receivedMs }: Received): Envelope {
  const found = collect(raw.headers);
  const { specversion, id, type, source, subject, schemaversion, time, contentType } = found;
  if (specversion === undefined) throw notACloudEvent(contentType);
  if (specversion !== "1.0") {
    throw badEnvelope("specversion", `is ${quote(specversion)}; only "1.0" is known`);
  }
  if (!id) throw missing("id");
  if (!type) throw missing("type");
  if (!source) throw missing("source");
  const envelope: Building = {
    id,
    type,
    kind: kindOf(found.kind),
    version: schemaversion === undefined ? 1 : wholeNumber("schemaversion", schemaversion, 1),
    source,
    time: time === undefined ? receivedMs : momentOf("time", time),
  };
  const key = raw.key === null ? subject : textOfKey(raw.key);
  if (key !== undefined) envelope.key = key;
  if (contentType !== undefined && contentType !== JSON_MEDIA_TYPE) {
    envelope.contentType = contentType;
  }
  readOptional(envelope, found);
  if (subject !== undefined && subject !== key) {
    envelope.extensions = { ...found.extensions, subject };
  } else if (found.extensions !== undefined) {
    envelope.extensions = found.extensions;
  }
  return envelope;
}

type Building = { -readonly [Field in keyof Envelope]: Envelope[Field] };

/** The attributes of one message. All fields exist from the start: one shape is fast to fill. */
class Found implements Partial<Record<FieldAttribute, string | undefined>> {
  specversion: string | undefined;
  id: string | undefined;
  type: string | undefined;
  source: string | undefined;
  subject: string | undefined;
  time: string | undefined;
  kind: string | undefined;
  schemaversion: string | undefined;
  correlationid: string | undefined;
  causationid: string | undefined;
  actor: string | undefined;
  traceparent: string | undefined;
  tracestate: string | undefined;
  replyto: string | undefined;
  expirytime: string | undefined;
  corrects: string | undefined;
  attempt: string | undefined;
  lane: string | undefined;
  laneepoch: string | undefined;
  lanesequence: string | undefined;
  encryptedfields: string | undefined;
  encryptionkeyid: string | undefined;
  previoushash: string | undefined;
  contentType: string | undefined;
  extensions: Record<string, string> | undefined;
}

const ATTRIBUTE_BY_HEADER: ReadonlyMap<string, FieldAttribute> = new Map(
  FIELD_ATTRIBUTES.map((name) => [`ce_${name}`, name]),
);

function collect(headers: readonly Header[]): Found {
  const found = new Found();
  // By index: this runs for every header of every message, and destructuring goes by iterators.
  for (let at = 0; at < headers.length; at++) {
    const header = headers[at]![0];
    const value = headers[at]![1];
    const attribute = ATTRIBUTE_BY_HEADER.get(header);
    if (attribute !== undefined) {
      if (found[attribute] !== undefined) throw badEnvelope(attribute, "is given twice; give one");
      found[attribute] = textOf(attribute, value);
    } else if (header === "content-type") {
      found.contentType = textOf("content-type", value);
    } else if (header.startsWith("ce_")) {
      const name = header.slice(3);
      if (!isExtensionName(name)) {
        throw badEnvelope(`attribute ${quote(name)}`, "has a name that CloudEvents does not allow");
      }
      (found.extensions ??= {})[name] = textOf(name, value);
    }
  }
  return found;
}

function readOptional(envelope: Building, found: Found): void {
  const { correlationid, causationid, actor, replyto, expirytime, corrects, attempt } = found;
  if (correlationid !== undefined) envelope.correlation = correlationid;
  if (causationid !== undefined) envelope.causation = causationid;
  if (actor !== undefined) envelope.actor = actor;
  const trace = traceOf(found);
  if (trace !== undefined) envelope.trace = trace;
  if (replyto !== undefined) envelope.replyTo = replyto;
  if (expirytime !== undefined) envelope.expires = momentOf("expirytime", expirytime);
  if (corrects !== undefined) envelope.corrects = corrects;
  if (attempt !== undefined) envelope.attempt = wholeNumber("attempt", attempt, 0);
  const place = placeOf(found);
  if (place !== undefined) envelope.place = place;
  const encrypted = encryptedOf(found);
  if (encrypted !== undefined) envelope.encrypted = encrypted;
  if (found.previoushash !== undefined) envelope.previousHash = found.previoushash;
}

function kindOf(kind: string | undefined): MessageKind {
  if (kind === undefined) return "event";
  if (kind === "event" || kind === "command" || kind === "reply" || kind === "timer") return kind;
  throw badEnvelope("kind", `is ${quote(kind)}; it must be event, command, reply or timer`);
}

const TRACE_PARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}/;

/** W3C Trace Context asks to go on without an ill-formed trace, never to refuse the message for it. */
function traceOf({ traceparent, tracestate }: Found): TraceContext | undefined {
  if (traceparent === undefined || !TRACE_PARENT.test(traceparent)) return undefined;
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

function placeOf({ lane, laneepoch, lanesequence }: Found): LanePlace | undefined {
  if (lane === undefined && laneepoch === undefined && lanesequence === undefined) return undefined;
  if (lane === undefined) throw missing("lane");
  if (laneepoch === undefined) throw missing("laneepoch");
  if (lanesequence === undefined) throw missing("lanesequence");
  return {
    epoch: wholeNumber("laneepoch", laneepoch, 0),
    lane,
    sequence: wholeNumber("lanesequence", lanesequence, 0),
  };
}

function encryptedOf({ encryptedfields, encryptionkeyid }: Found): Envelope["encrypted"] {
  if (encryptedfields === undefined && encryptionkeyid === undefined) return undefined;
  if (encryptedfields === undefined) throw missing("encryptedfields");
  if (encryptionkeyid === undefined) throw missing("encryptionkeyid");
  return { fields: listOf("encryptedfields", encryptedfields), keyId: encryptionkeyid };
}

function listOf(attribute: string, text: string): readonly string[] {
  try {
    const list: unknown = JSON.parse(text);
    if (Array.isArray(list) && list.every((item) => typeof item === "string")) return list;
  } catch {
    // Told below, together with JSON of another shape.
  }
  throw badEnvelope(attribute, `is ${quote(text)}; it must be a JSON array of texts`);
}

function wholeNumber(attribute: string, text: string, min: number): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= min) return number;
  throw badEnvelope(attribute, `is ${quote(text)}; it must be a whole number from ${min}`);
}

function momentOf(attribute: string, text: string): number {
  const ms = parseTime(text);
  if (ms !== undefined) return ms;
  throw badEnvelope(attribute, `is ${quote(text)}; it must be a moment by RFC 3339`);
}

function textOf(attribute: string, value: string | Uint8Array): string {
  if (typeof value === "string") return value;
  throw badEnvelope(attribute, "is not UTF-8 text");
}

/** A key of other bytes than UTF-8 still orders its messages; this gives it a text of its own. */
function textOfKey(key: string | Uint8Array): string {
  return typeof key === "string" ? key : `base64:${Buffer.from(key).toString("base64")}`;
}

function notACloudEvent(contentType: string | undefined): Error {
  return contentType?.startsWith("application/cloudevents") === true
    ? badEnvelope("headers", `say ${contentType}; only binary mode (ce_ headers) is read here`)
    : badEnvelope(
        "specversion",
        "is missing; a message needs the CloudEvents headers ce_specversion, ce_id, ce_type and ce_source",
      );
}

function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);
}

/**
 * Envelopes as CloudEvents 1.0 in binary mode, by its Kafka protocol binding: every attribute is a
 * header `ce_<name>`, the payload's media type is the header `content-type`, and the payload itself
 * is the value. So logs and topics of Millrace are readable by strangers, and theirs by Millrace.
 *
 * | envelope | attribute | |
 * |---|---|---|
 * | id, type, source | `id`, `type`, `source` | required |
 * | key | `subject`, and the record's key | the record's key wins, see below |
 * | time | `time` | RFC 3339, to the millisecond; without it the message happened when it was received |
 * | kind | `kind` | a message without it is an event |
 * | version | `schemaversion` | 1 where absent |
 * | contentType | the header `content-type` | `application/json` where absent |
 * | correlation, causation | `correlationid`, `causationid` | CloudEvents' correlation extension |
 * | trace | `traceparent`, `tracestate` | CloudEvents' distributed tracing extension |
 * | expires | `expirytime` | CloudEvents' expiry extension |
 * | actor, replyTo, corrects, attempt | `actor`, `replyto`, `corrects`, `attempt` | |
 * | place | `lane`, `laneepoch`, `lanesequence` | all or none |
 * | encrypted | `encryptedfields` (a JSON array), `encryptionkeyid` | both or none |
 * | previousHash | `previoushash` | |
 * | extensions | every other name | kept as they came |
 *
 * The key is the record's key where there is one, otherwise the subject; a stranger's subject that
 * differs from the record's key is kept as `extensions.subject`. Headers that are no CloudEvents
 * attributes are not part of the envelope. The table is a format: names never change their meaning,
 * and `model/envelope.golden.json` holds every one of them.
 */

import { isExtensionName } from "../model/attributes.ts";
import type { Envelope, MessageKind } from "../model/envelope.ts";
import type { Header, RawMessage } from "../model/message.ts";
import { badEnvelope, JSON_MEDIA_TYPE, missing } from "./cloudevents-attributes.ts";
import { formatTime, isWritableTime } from "./rfc3339.ts";

const SPEC_VERSION: Header = ["ce_specversion", "1.0"];
const VERSION_1: Header = ["ce_schemaversion", "1"];
const JSON_CONTENT: Header = ["content-type", JSON_MEDIA_TYPE];
const KIND_HEADERS: Readonly<Record<MessageKind, Header | undefined>> = {
  event: ["ce_kind", "event"],
  command: ["ce_kind", "command"],
  reply: ["ce_kind", "reply"],
  timer: ["ce_kind", "timer"],
};
/** Joins an envelope and its encoded payload. Throws BAD_ENVELOPE naming the field that is missing. */
export function encodeMessage(envelope: Envelope, value: Uint8Array | null): RawMessage {
  return { key: envelope.key ?? null, headers: encodeHeaders(envelope), value };
}

/** The headers alone. Throws BAD_ENVELOPE naming the field. */
export function encodeHeaders(envelope: Envelope): Header[] {
  const { id, type, source, time, kind, version, key, contentType } = envelope;
  if (!id) throw missing("id");
  if (!type) throw missing("type");
  if (!source) throw missing("source");
  checkMoment("time", time);
  checkWholeNumber("version", version, 1);
  const kindHeader = KIND_HEADERS[kind];
  if (kindHeader === undefined) throw badEnvelope("kind", `is ${kind}`);
  const headers: Header[] = [
    SPEC_VERSION,
    ["ce_id", id],
    ["ce_type", type],
    ["ce_source", source],
    ["ce_time", formatTime(time)],
    kindHeader,
    version === 1 ? VERSION_1 : ["ce_schemaversion", String(version)],
    contentType === undefined ? JSON_CONTENT : ["content-type", contentType],
  ];
  if (key !== undefined && envelope.extensions?.["subject"] === undefined) {
    headers.push(["ce_subject", key]);
  }
  pushOptional(headers, envelope);
  return headers;
}

function pushOptional(headers: Header[], envelope: Envelope): void {
  const { correlation, causation, actor, trace, replyTo, expires, corrects, attempt } = envelope;
  const { place, encrypted, previousHash, extensions } = envelope;
  if (correlation !== undefined) headers.push(["ce_correlationid", correlation]);
  if (causation !== undefined) headers.push(["ce_causationid", causation]);
  if (actor !== undefined) headers.push(["ce_actor", actor]);
  if (trace !== undefined) {
    headers.push(["ce_traceparent", trace.traceparent]);
    if (trace.tracestate !== undefined) headers.push(["ce_tracestate", trace.tracestate]);
  }
  if (replyTo !== undefined) headers.push(["ce_replyto", replyTo]);
  if (expires !== undefined) {
    checkMoment("expires", expires);
    headers.push(["ce_expirytime", formatTime(expires)]);
  }
  if (corrects !== undefined) headers.push(["ce_corrects", corrects]);
  if (attempt !== undefined) {
    checkWholeNumber("attempt", attempt, 0);
    headers.push(["ce_attempt", String(attempt)]);
  }
  if (place !== undefined) {
    checkWholeNumber("place", place.epoch, 0);
    checkWholeNumber("place", place.sequence, 0);
    headers.push(
      ["ce_lane", place.lane],
      ["ce_laneepoch", String(place.epoch)],
      ["ce_lanesequence", String(place.sequence)],
    );
  }
  if (encrypted !== undefined) {
    headers.push(
      ["ce_encryptedfields", JSON.stringify(encrypted.fields)],
      ["ce_encryptionkeyid", encrypted.keyId],
    );
  }
  if (previousHash !== undefined) headers.push(["ce_previoushash", previousHash]);
  if (extensions !== undefined) {
    for (const name of Object.keys(extensions)) {
      if (!isExtensionName(name)) {
        throw badEnvelope(
          `extension ${JSON.stringify(name)}`,
          "has a name that is taken, or not only a-z and 0-9",
        );
      }
      headers.push([`ce_${name}`, extensions[name]!]);
    }
  }
}

function checkMoment(field: string, ms: number): void {
  if (!isWritableTime(ms)) throw badEnvelope(field, `is ${ms}; give whole milliseconds since 1970`);
}

function checkWholeNumber(field: string, number: number, min: number): void {
  if (Number.isSafeInteger(number) && number >= min) return;
  throw badEnvelope(field, `is ${number}; give a whole number from ${min}`);
}

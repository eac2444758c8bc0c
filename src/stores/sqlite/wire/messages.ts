/**
 * Messages as the database keeps them, in events, outbox and parked rows.
 *
 *     message  := form:u8 [key] headers [value]
 *     form     := bits 0-1: key is 0 null, 1 text, 2 bytes; bit 2: there is a value
 *     headers  := count:varint (name content)*
 *     name     := 0:u8 text | 1 + index into HEADER_NAMES:u8
 *     content  := 1:u8 text | 2:u8 bytes | 3:u8 (the key's text) | 16 + index into HEADER_TEXTS:u8
 *     outgoing := kind:u8 target:text delayMs+1:varint message   kind: 0 stream, 1 queue; 0 = no delay
 *
 * Texts and bytes stand behind their length. Most headers of our own messages have one of few names,
 * and some one of few contents: as numbers they take a tenth of the room, and reading them makes no
 * text (reading all events became about twice as fast).
 *
 * The form is what rows written today are read by in later releases: it may grow, by further bits of
 * `form` and at the ends of the two lists, and never change.
 */

import { assert } from "../../../model/assert.ts";
import type { Header, RawMessage } from "../../../model/message.ts";
import type { OutgoingMessage } from "../../../store/write-set.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";

const TEXT = 1;
const BYTES = 2;
const SAME_AS_KEY = 3;
const FIRST_HEADER_TEXT = 16;
const KEY_BITS = 0b011;
const HAS_VALUE = 0b100;

const HEADER_NAMES: readonly string[] = [
  "ce_specversion",
  "ce_id",
  "ce_type",
  "ce_source",
  "ce_time",
  "ce_kind",
  "ce_schemaversion",
  "content-type",
  "ce_subject",
  "ce_partitionkey",
  "ce_correlationid",
  "ce_causationid",
  "ce_actor",
  "ce_traceparent",
  "ce_tracestate",
  "ce_replyto",
  "ce_expirytime",
  "ce_corrects",
  "ce_attempt",
  "ce_lane",
  "ce_laneepoch",
  "ce_lanesequence",
  "ce_encryptedfields",
  "ce_encryptionkeyid",
  "ce_previoushash",
];
const HEADER_TEXTS: readonly string[] = [
  "1.0",
  "1",
  "application/json",
  "event",
  "command",
  "reply",
];

const NAME_CODES: ReadonlyMap<string, number> = new Map(
  HEADER_NAMES.map((name, index) => [name, index + 1]),
);
const TEXT_CODES: ReadonlyMap<string, number> = new Map(
  HEADER_TEXTS.map((text, index) => [text, index + FIRST_HEADER_TEXT]),
);

export function writeMessage(writer: ByteWriter, { key, headers, value }: RawMessage): void {
  const keyForm = key === null ? 0 : typeof key === "string" ? TEXT : BYTES;
  writer.byte(keyForm | (value === null ? 0 : HAS_VALUE));
  if (typeof key === "string") writer.text(key);
  else if (key !== null) writer.bytes(key);
  writer.number(headers.length);
  for (const [name, content] of headers) {
    const nameCode = NAME_CODES.get(name) ?? 0;
    writer.byte(nameCode);
    if (nameCode === 0) writer.text(name);
    writeContent(writer, content, key);
  }
  if (value !== null) writer.bytes(value);
}

export function readMessage(reader: ByteReader): RawMessage {
  const form = reader.byte();
  assert((form & ~(KEY_BITS | HAS_VALUE)) === 0, "a stored message has a known form");
  const key = readKey(reader, form & KEY_BITS);
  const headers: Header[] = [];
  for (let left = reader.number(); left > 0; left--) {
    const nameCode = reader.byte();
    const name = nameCode === 0 ? reader.text() : HEADER_NAMES[nameCode - 1];
    assert(name !== undefined, "a stored header has a known name");
    headers.push([name, readContent(reader, key)]);
  }
  return { key, headers, value: (form & HAS_VALUE) === 0 ? null : reader.bytes() };
}

function writeContent(writer: ByteWriter, content: Header[1], key: RawMessage["key"]): void {
  if (typeof content !== "string") {
    writer.byte(BYTES);
    writer.bytes(content);
    return;
  }
  const code = content === key ? SAME_AS_KEY : (TEXT_CODES.get(content) ?? TEXT);
  writer.byte(code);
  if (code === TEXT) writer.text(content);
}

function readContent(reader: ByteReader, key: RawMessage["key"]): Header[1] {
  const code = reader.byte();
  if (code === TEXT) return reader.text();
  if (code === BYTES) return reader.bytes();
  const content = code === SAME_AS_KEY ? key : HEADER_TEXTS[code - FIRST_HEADER_TEXT];
  assert(typeof content === "string", "a stored header has a known content");
  return content;
}

export function writeOutgoing(
  writer: ByteWriter,
  { target, message, delayMs }: OutgoingMessage,
): void {
  writer.byte(target.kind === "stream" ? 0 : 1);
  writer.text(target.name);
  writer.number(delayMs === undefined ? 0 : Math.ceil(delayMs) + 1);
  writeMessage(writer, message);
}

export function readOutgoing(reader: ByteReader): OutgoingMessage {
  const kind = reader.byte() === 0 ? "stream" : "queue";
  const name = reader.text();
  const delay = reader.number();
  const message = readMessage(reader);
  return { target: { kind, name }, message, ...(delay === 0 ? {} : { delayMs: delay - 1 }) };
}

function readKey(reader: ByteReader, form: number): RawMessage["key"] {
  if (form === 0) return null;
  return form === TEXT ? reader.text() : reader.bytes();
}

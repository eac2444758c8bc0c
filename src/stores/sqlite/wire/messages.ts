/**
 * Messages as the database keeps them, in events, outbox and parked rows.
 *
 *     message  := form:u8 [key] headers [value]
 *     form     := bits 0-1: key is 0 null, 1 text, 2 bytes; bit 2: there is a value
 *     headers  := count:varint (name:text kind:u8 value)*     kind: 1 text, 2 bytes
 *     outgoing := kind:u8 target:text delayMs+1:varint message   kind: 0 stream, 1 queue; 0 = no delay
 *
 * Texts and bytes stand behind their length. The form is what rows written today are read by in
 * later releases: it may grow by further bits of `form`, never change.
 */

import { assert } from "../../../model/assert.ts";
import type { Header, RawMessage } from "../../../model/message.ts";
import type { OutgoingMessage } from "../../../store/write-set.ts";
import type { ByteReader, ByteWriter } from "./bytes.ts";

const TEXT = 1;
const BYTES = 2;
const KEY_BITS = 0b011;
const HAS_VALUE = 0b100;

export function writeMessage(writer: ByteWriter, { key, headers, value }: RawMessage): void {
  const keyForm = key === null ? 0 : typeof key === "string" ? TEXT : BYTES;
  writer.byte(keyForm | (value === null ? 0 : HAS_VALUE));
  if (typeof key === "string") writer.text(key);
  else if (key !== null) writer.bytes(key);
  writer.number(headers.length);
  for (const [name, content] of headers) {
    writer.text(name);
    if (typeof content === "string") {
      writer.byte(TEXT);
      writer.text(content);
    } else {
      writer.byte(BYTES);
      writer.bytes(content);
    }
  }
  if (value !== null) writer.bytes(value);
}

export function readMessage(reader: ByteReader): RawMessage {
  const form = reader.byte();
  assert((form & ~(KEY_BITS | HAS_VALUE)) === 0, "a stored message has a known form");
  const key = readKey(reader, form & KEY_BITS);
  const headers: Header[] = [];
  for (let left = reader.number(); left > 0; left--) {
    const name = reader.text();
    headers.push([name, reader.byte() === TEXT ? reader.text() : reader.bytes()]);
  }
  return { key, headers, value: (form & HAS_VALUE) === 0 ? null : reader.bytes() };
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

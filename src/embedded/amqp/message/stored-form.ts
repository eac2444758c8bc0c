/**
 * How a message from AMQP is kept: so that AMQP clients get back what was sent byte for byte, and
 * services of Millrace find their envelope where they always do.
 *
 * | section | kept as |
 * |---|---|
 * | header | header `amqp-header`, its bytes; durable, priority and ttl are given on |
 * | delivery annotations | dropped: they are meant for this broker alone |
 * | message annotations | header `amqp-annotations`, the section's bytes |
 * | properties | header `amqp-properties`, the section's bytes |
 * | application properties | header `amqp-application-properties`, the section's bytes |
 * | body of one data section, or one value that is a text or binary | the value, without its framing, which is the header `amqp-body` |
 * | any other body | the value is the sections' bytes, and `amqp-body` is empty |
 * | footer | header `amqp-footer`, the section's bytes |
 * | message format, unless 0 | header `amqp-format` |
 *
 * Bytes stand as text of one letter each (Latin-1): header values that are no UTF-8 cost a failed decoding
 * wherever a message is kept or read, which was half of a message's work. A section larger than a header
 * may be stands in several headers of its name, to be joined. Beside
 * them stand `amqp-expires` (milliseconds since 1970) where the message has a time to live, and for a
 * CloudEvent its attributes as `ce_…` and `content-type`; other messages have `message-id`, by which a
 * queue's or stream's window tells repetitions.
 *
 * The names are a format: they stand in logs.
 */

import { MESSAGE_ID_HEADER } from "../../../broker/dedupe-window.ts";
import type { Header, RawMessage } from "../../../model/message.ts";

export const STORED: {
  readonly header: "amqp-header";
  readonly annotations: "amqp-annotations";
  readonly properties: "amqp-properties";
  readonly applicationProperties: "amqp-application-properties";
  readonly body: "amqp-body";
  readonly footer: "amqp-footer";
  readonly format: "amqp-format";
  readonly expires: "amqp-expires";
  readonly messageId: typeof MESSAGE_ID_HEADER;
} = {
  header: "amqp-header",
  annotations: "amqp-annotations",
  properties: "amqp-properties",
  applicationProperties: "amqp-application-properties",
  body: "amqp-body",
  footer: "amqp-footer",
  format: "amqp-format",
  expires: "amqp-expires",
  messageId: MESSAGE_ID_HEADER,
};

export type StoredName = (typeof STORED)[keyof typeof STORED];

const NAMES: ReadonlySet<string> = new Set(Object.values(STORED));
/** Of one header's content; a broker takes 16 KiB of UTF-8, where half of the letters take two bytes. */
const PIECE_BYTES_MAX = 8_000;

/** Pushes the content as one header or several. */
export function pushStored(headers: Header[], name: StoredName, content: Uint8Array): void {
  for (let at = 0; at === 0 || at < content.length; at += PIECE_BYTES_MAX) {
    const piece = bufferOf(content.subarray(at, at + PIECE_BYTES_MAX));
    headers.push([name, piece.toString("latin1")]);
  }
}

/** What is kept under each name, joined. */
export function storedOf({ headers }: RawMessage): ReadonlyMap<string, Buffer> {
  const stored = new Map<string, Buffer>();
  for (const [name, content] of headers) {
    if (!NAMES.has(name)) continue;
    const bytes = typeof content === "string" ? Buffer.from(content, "latin1") : bufferOf(content);
    const before = stored.get(name);
    stored.set(name, before === undefined ? bytes : Buffer.concat([before, bytes]));
  }
  return stored;
}

export function isStoredName(name: string): boolean {
  return NAMES.has(name);
}

/** The same bytes, with a Buffer's methods. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

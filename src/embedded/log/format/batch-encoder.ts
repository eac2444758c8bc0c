/**
 * Writes one Kafka v2 record batch into a buffer that it is given.
 *
 * A record begins with its own length as a varint, which is known only after its texts are encoded.
 * Texts are nearly always ASCII, so the encoder assumes one byte a character, leaves room for the
 * length's varint, writes on, and moves the record by a byte or two where the assumption failed.
 * Short texts are written character by character: for ten to forty characters that beats a call into
 * Buffer's native code, which wins from about forty on.
 *
 * The caller makes sure of the room by `recordBytesMax`.
 */

import type { AppendRecord } from "../partition-log.ts";
import { AT, LENGTH_OVERHEAD, MAGIC } from "./batch-layout.ts";
import { crc32c } from "./crc32c.ts";

const NATIVE_FROM = 40;
/** The record's length, attributes, time, offset, key length, value length, header count. */
const RECORD_OVERHEAD_MAX = 5 + 1 + 10 + 5 + 5 + 5 + 5;

/** An upper bound of what `add` will write for the record. */
export function recordBytesMax(record: AppendRecord): number {
  let bytes = RECORD_OVERHEAD_MAX + textBytesMax(record.key) + (record.value?.length ?? 0);
  for (const [name, value] of record.headers) bytes += 10 + name.length * 3 + textBytesMax(value);
  return bytes;
}

function textBytesMax(text: string | Uint8Array | null): number {
  if (text === null) return 0;
  return typeof text === "string" ? text.length * 3 : text.length;
}

export class BatchEncoder {
  readonly baseOffset: number;
  readonly baseMs: number;
  newestMs: number;
  count = 0;
  private readonly buffer: Buffer;
  private at: number = AT.records;

  constructor(buffer: Buffer, baseOffset: number, baseMs: number) {
    this.buffer = buffer;
    this.baseOffset = baseOffset;
    this.baseMs = baseMs;
    this.newestMs = baseMs;
  }

  /** Bytes written so far, the batch's header included. */
  get bytes(): number {
    return this.at;
  }

  get room(): number {
    return this.buffer.length - this.at;
  }

  /** Forgets what was added after the batch had `bytes` bytes and `count` records. */
  rewind(bytes: number, count: number): void {
    this.at = bytes;
    this.count = count;
  }

  add(record: AppendRecord, appendedMs: number): void {
    const start = this.at;
    const { key, headers, value } = record;
    let guess = 16 + (key?.length ?? 0) + (value?.length ?? 0);
    for (const [name, content] of headers) guess += 3 + name.length + content.length;
    const reserved = varintBytes(guess);

    this.at = start + reserved;
    this.buffer[this.at++] = 0;
    this.varlong(appendedMs - this.baseMs);
    this.varint(this.count);
    if (key === null) this.varint(-1);
    else this.text(key);
    if (value === null) this.varint(-1);
    else this.raw(value);
    this.varint(headers.length);
    for (const [name, content] of headers) {
      this.text(name);
      this.text(content);
    }

    const length = this.at - start - reserved;
    const needed = varintBytes(length);
    if (needed !== reserved) {
      this.buffer.copyWithin(start + needed, start + reserved, this.at);
      this.at += needed - reserved;
    }
    const end = this.at;
    this.at = start;
    this.varint(length);
    this.at = end;
    this.count++;
    this.newestMs = appendedMs;
  }

  /** Fills in the header with its checksum and returns the batch, a view of the buffer. */
  seal(): Buffer {
    const batch = this.buffer.subarray(0, this.at);
    writeInt64(batch, AT.baseOffset, this.baseOffset);
    batch.writeInt32BE(this.at - LENGTH_OVERHEAD, AT.length);
    batch.writeInt32BE(0, AT.leaderEpoch);
    batch[AT.magic] = MAGIC;
    batch.writeInt16BE(0, AT.attributes);
    batch.writeInt32BE(this.count - 1, AT.lastOffsetDelta);
    writeInt64(batch, AT.baseTimestamp, this.baseMs);
    writeInt64(batch, AT.maxTimestamp, this.newestMs);
    // No idempotent producer: id, epoch and sequence are -1.
    batch.fill(0xff, AT.producerId, AT.count);
    batch.writeInt32BE(this.count, AT.count);
    batch.writeUInt32BE(crc32c(batch, AT.attributes, this.at), AT.crc);
    return batch;
  }

  private varint(value: number): void {
    let rest = ((value << 1) ^ (value >> 31)) >>> 0;
    const { buffer } = this;
    let at = this.at;
    while (rest > 0x7f) {
      buffer[at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    buffer[at++] = rest;
    this.at = at;
  }

  /** Only for values from 0 on: times within a batch never fall. */
  private varlong(value: number): void {
    if (value < 0x4000_0000) return this.varint(value);
    let rest = value * 2;
    while (rest > 0x7f) {
      this.buffer[this.at++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.buffer[this.at++] = rest;
  }

  private raw(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.buffer.set(bytes, this.at);
    this.at += bytes.length;
  }

  private text(text: string | Uint8Array): void {
    if (typeof text !== "string") return this.raw(text);
    const start = this.at;
    const { length } = text;
    if (length >= NATIVE_FROM) return this.longText(text, start);
    this.varint(length);
    const { buffer } = this;
    let at = this.at;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) return this.longText(text, start);
      buffer[at++] = code;
    }
    this.at = at;
  }

  private longText(text: string, start: number): void {
    this.at = start;
    this.varint(Buffer.byteLength(text));
    this.at += this.buffer.write(text, this.at);
  }
}

/** The bytes of a length, or of a count, as a zigzag varint. */
function varintBytes(length: number): number {
  if (length < 0x40) return 1;
  if (length < 0x2000) return 2;
  if (length < 0x10_0000) return 3;
  return length < 0x800_0000 ? 4 : 5;
}

function writeInt64(buffer: Buffer, at: number, value: number): void {
  buffer.writeUInt32BE(Math.floor(value / 2 ** 32), at);
  buffer.writeUInt32BE(value % 2 ** 32, at + 4);
}

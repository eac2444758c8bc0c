/**
 * Reads Kafka v2 record batches, believing nothing: a batch is looked at only after its length is
 * plausible and its checksum holds.
 *
 * Most headers of a record repeat the record before it, byte for byte, and nearly all have the name of
 * the header at the same place there. So each is compared with that one's bytes, and what is equal is
 * taken from it instead of being decoded anew: texts are made only for what differs.
 */

import { isUtf8 } from "node:buffer";
import { MillraceError } from "../../../model/errors.ts";
import type { Header } from "../../../model/message.ts";
import type { LogRecord } from "../partition-log.ts";
import {
  AT,
  BATCH_BYTES_MAX,
  COMPRESSION_MASK,
  CONTROL,
  LENGTH_OVERHEAD,
  LOG_APPEND_TIME,
  MAGIC,
  TRANSACTIONAL,
} from "./batch-layout.ts";
import { crc32c } from "./crc32c.ts";
import { readInt64 } from "./int64.ts";

export interface BatchHeader {
  readonly baseOffset: number;
  /** The offset after the batch's last. */
  readonly nextOffset: number;
  /** Of the whole batch on disk. */
  readonly bytes: number;
  readonly leaderEpoch: number;
  readonly attributes: number;
  readonly baseMs: number;
  readonly newestMs: number;
  /** -1 for a batch without a producer; then the next two mean nothing. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly count: number;
}

/**
 * The header of the batch at `at`; undefined where none can begin there: not enough bytes for a
 * header, another format, or numbers out of bounds. The checksum is not looked at.
 */
export function readBatchHeader(bytes: Buffer, at: number): BatchHeader | undefined {
  if (bytes.length - at < AT.records || bytes[at + AT.magic] !== MAGIC) return undefined;
  const length = bytes.readInt32BE(at + AT.length) + LENGTH_OVERHEAD;
  const baseOffset = readInt64(bytes, at + AT.baseOffset);
  const lastOffsetDelta = bytes.readInt32BE(at + AT.lastOffsetDelta);
  const count = bytes.readInt32BE(at + AT.count);
  const plausible =
    length >= AT.records &&
    length <= BATCH_BYTES_MAX &&
    Number.isSafeInteger(baseOffset) &&
    baseOffset >= 0 &&
    lastOffsetDelta >= 0 &&
    count >= 0;
  if (!plausible) return undefined;
  return {
    baseOffset,
    nextOffset: baseOffset + lastOffsetDelta + 1,
    bytes: length,
    leaderEpoch: bytes.readInt32BE(at + AT.leaderEpoch),
    attributes: bytes.readInt16BE(at + AT.attributes),
    baseMs: readInt64(bytes, at + AT.baseTimestamp),
    newestMs: readInt64(bytes, at + AT.maxTimestamp),
    producerId: readInt64(bytes, at + AT.producerId),
    producerEpoch: bytes.readInt16BE(at + AT.producerEpoch),
    baseSequence: bytes.readInt32BE(at + AT.baseSequence),
    count,
  };
}

export function isTransactional({ attributes }: BatchHeader): boolean {
  return (attributes & TRANSACTIONAL) !== 0;
}

/** Whether all bytes of the batch are there and its checksum holds. */
export function isIntact(bytes: Buffer, at: number, header: BatchHeader): boolean {
  const end = at + header.bytes;
  return (
    end <= bytes.length &&
    crc32c(bytes, at + AT.attributes, end) === bytes.readUInt32BE(at + AT.crc)
  );
}

/**
 * The records of an intact batch from offset `from` on. Values are views of `bytes`, not copies.
 *
 * Throws UNSUPPORTED_CONTENT for a compressed batch, and LOG_DAMAGED where the records contradict the
 * batch: its checksum held, so its writer was wrong.
 */
export function readRecords(
  bytes: Buffer,
  at: number,
  header: BatchHeader,
  from = 0,
): readonly LogRecord[] {
  const compression = header.attributes & COMPRESSION_MASK;
  if (compression !== 0) throw compressed(header, compression);
  if (header.attributes & CONTROL) return [];

  const records: LogRecord[] = [];
  const end = at + header.bytes;
  const cursor = new Cursor(bytes, at + AT.records, end);
  const oneTime = (header.attributes & LOG_APPEND_TIME) !== 0;
  const known: KnownHeader[] = [];
  for (let index = 0; index < header.count; index++) {
    const length = cursor.varint();
    const recordEnd = cursor.at + length;
    if (length <= 0 || recordEnd > end) throw contradictory(header);
    cursor.at++;
    const elapsedMs = cursor.varlong();
    const offset = header.baseOffset + cursor.varint();
    if (offset >= from) {
      const key = cursor.text();
      const value = cursor.bytes();
      const headers = cursor.headers(known);
      if (cursor.at !== recordEnd || headers === undefined) throw contradictory(header);
      const appendedMs = oneTime ? header.newestMs : header.baseMs + elapsedMs;
      records.push({ offset, appendedMs, key, headers, value });
    }
    cursor.at = recordEnd;
  }
  if (cursor.at !== end) throw contradictory(header);
  return records;
}

/** A header of an earlier record of the batch, and where its bytes stand. */
interface KnownHeader {
  header: Header;
  start: number;
  nameEnd: number;
  end: number;
}

/** Trusts no length: one that leads out of the batch puts `at` where no record can end. */
class Cursor {
  at: number;
  private readonly buffer: Buffer;
  private readonly end: number;

  constructor(buffer: Buffer, at: number, end: number) {
    this.buffer = buffer;
    this.at = at;
    this.end = end;
  }

  varint(): number {
    const { buffer } = this;
    let byte = buffer[this.at++]!;
    let raw = byte & 0x7f;
    for (let shift = 7; byte > 0x7f; shift += 7) {
      byte = this.at < this.end && shift < 35 ? buffer[this.at++]! : 0;
      raw |= (byte & 0x7f) << shift;
    }
    return (raw >>> 1) ^ -(raw & 1);
  }

  varlong(): number {
    let raw = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.at < this.end && scale < 2 ** 56 ? this.buffer[this.at++]! : 0;
      raw += (byte & 0x7f) * scale;
      if (byte <= 0x7f) break;
    }
    return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2;
  }

  bytes(): Uint8Array | null {
    const length = this.length();
    if (length < 0) return null;
    return this.buffer.subarray(this.at, (this.at += length));
  }

  text(): string | Uint8Array | null {
    const length = this.length();
    if (length < 0) return null;
    return textOrBytes(this.buffer, this.at, (this.at += length));
  }

  private length(): number {
    const length = this.varint();
    if (this.at + length <= this.end) return length;
    this.at = this.end + 1;
    return -1;
  }

  /**
   * Undefined where they are malformed. `known` has, by their place, the headers last decoded in the
   * batch, and learns the ones that differ.
   */
  headers(known: KnownHeader[]): readonly Header[] | undefined {
    const count = this.varint();
    const headers: Header[] = [];
    for (let index = 0; index < count; index++) {
      const start = this.at;
      const before = known[index];
      const same = before === undefined ? 0 : this.commonBytes(before.start, before.end);
      if (before !== undefined && same === before.end - before.start) {
        this.at += same;
        headers.push(before.header);
        continue;
      }
      let name: string;
      if (before !== undefined && same >= before.nameEnd - before.start) {
        name = before.header[0];
        this.at += before.nameEnd - before.start;
      } else {
        const length = this.varint();
        if (length < 0 || this.at + length > this.end) return undefined;
        name = this.buffer.toString("utf8", this.at, (this.at += length));
      }
      const nameEnd = this.at;
      // Kafka knows headers without a value; our model does not, an empty text is the nearest.
      const header: Header = [name, this.text() ?? ""];
      headers.push(header);
      if (before === undefined) known[index] = { header, start, nameEnd, end: this.at };
      else {
        before.header = header;
        before.start = start;
        before.nameEnd = nameEnd;
        before.end = this.at;
      }
    }
    return headers;
  }

  /** How many bytes from here on are those from `start` up to `end`. */
  private commonBytes(start: number, end: number): number {
    const { buffer, at } = this;
    const lengthMax = Math.min(end - start, this.end - at);
    let length = 0;
    while (length < lengthMax && buffer[at + length] === buffer[start + length]) length++;
    return length;
  }
}

function textOrBytes(buffer: Buffer, start: number, end: number): string | Uint8Array {
  let seen = 0;
  for (let at = start; at < end; at++) seen |= buffer[at]!;
  if (seen <= 0x7f) return buffer.toString("latin1", start, end);
  const bytes = buffer.subarray(start, end);
  return isUtf8(bytes) ? buffer.toString("utf8", start, end) : bytes;
}

function compressed(header: BatchHeader, compression: number): MillraceError {
  const name = ["none", "gzip", "snappy", "lz4", "zstd"][compression] ?? `codec ${compression}`;
  return new MillraceError(
    "UNSUPPORTED_CONTENT",
    `the batch at offset ${header.baseOffset} is compressed with ${name}; this version reads ` +
      `uncompressed batches only: have its producer set compression.type=none`,
    { details: { offset: header.baseOffset, compression: name } },
  );
}

function contradictory(header: BatchHeader): MillraceError {
  return new MillraceError(
    "LOG_DAMAGED",
    `the batch at offset ${header.baseOffset} has a valid checksum but malformed records; whatever ` +
      `wrote it is faulty: read on from offset ${header.nextOffset}`,
    { details: { offset: header.baseOffset, next: header.nextOffset } },
  );
}

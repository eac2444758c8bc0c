/**
 * Reads the fields of records, trusting no length: one that leads out of the batch puts `at` where no
 * record can end.
 *
 * Most headers of a record repeat the record before it, byte for byte, and nearly all have the name of
 * the header at the same place there. So each is compared with that one's bytes, and what is equal is
 * taken from it instead of being decoded anew: texts are made only for what differs.
 */

import { isUtf8 } from "node:buffer";
import type { Header } from "../../../model/message.ts";

/** A header of an earlier record of the batch, and where its bytes stand. */
export interface KnownHeader {
  header: Header;
  start: number;
  nameEnd: number;
  end: number;
}

export class RecordCursor {
  at: number;
  readonly end: number;
  private readonly buffer: Buffer;

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

  bytes(): Buffer | null {
    const length = this.length();
    if (length < 0) return null;
    return this.buffer.subarray(this.at, (this.at += length));
  }

  text(): string | Uint8Array | null {
    const length = this.length();
    if (length < 0) return null;
    return textOrBytes(this.buffer, this.at, (this.at += length));
  }

  /** Passes over bytes with their length, which is returned; -1 for null. */
  skip(): number {
    const length = this.length();
    if (length < 0) return -1;
    this.at += length;
    return length;
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

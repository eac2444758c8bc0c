/**
 * A cursor over the bytes of one frame that believes nothing it reads.
 *
 * Every read is checked against the end; a length or a count is compared with the bytes that are left
 * before anything is allocated for it. Whatever is wrong becomes a `MalformedFrame`. What a frame can
 * make us allocate is bounded by its own length and `ELEMENTS_MAX`; it cannot make us recurse, because
 * only the tables nest.
 */

import { isUtf8 } from "node:buffer";
import { MalformedFrame } from "./malformed-frame.ts";

/** Of all arrays of a frame together: a struct of three bytes becomes an object of a hundred. */
const ELEMENTS_MAX = 1 << 20;
/** Kafka's strings have 16-bit lengths, and keep the limit where the length is a varint. */
export const STRING_BYTES_MAX = 0x7fff;
export const UUID_BYTES = 16;
/** What a decoder puts in the place of bytes that are not UTF-8. */
const REPLACEMENT = "\ufffd";

export class WireReader {
  /** What is being read: goes into the error if that fails. */
  field = "";
  private readonly bytes: Buffer;
  private at = 0;
  private elements = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  get position(): number {
    return this.at;
  }

  get remaining(): number {
    return this.bytes.length - this.at;
  }

  malformed(what: string): MalformedFrame {
    return new MalformedFrame(what, this.field, this.at);
  }

  bool(): boolean {
    return this.int8() !== 0;
  }

  int8(): number {
    return (this.bytes[this.take(1)]! << 24) >> 24;
  }

  int16(): number {
    return (this.uint16() << 16) >> 16;
  }

  uint16(): number {
    const at = this.take(2);
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!;
  }

  int32(): number {
    const { bytes } = this;
    const at = this.take(4);
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /** Throws for a value that a number cannot hold exactly. */
  int64(): number {
    const value = this.roundedInt64();
    if (!Number.isSafeInteger(value)) throw this.malformed(`${value} is beyond 2^53 - 1`);
    return value;
  }

  /** The nearest safe integer: clients say "for ever" and "the end" with the ends of the range. */
  saturatedInt64(): number {
    const value = this.roundedInt64();
    return Math.max(Number.MIN_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, value));
  }

  float64(): number {
    return this.bytes.readDoubleBE(this.take(8));
  }

  /** 32 bits in at most five bytes, seven bits in each, lowest first. */
  unsignedVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.bytes[this.take(1)]!;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    const last = this.bytes[this.take(1)]!;
    if (last > 0x0f) throw this.malformed("a varint has more than 32 bits");
    return ((last << 28) | value) >>> 0;
  }

  /** Of a string; -1 is null. */
  length16(): number {
    return this.plausibleLength(this.int16());
  }

  /** Of bytes or an array; -1 is null. */
  length32(): number {
    return this.plausibleLength(this.int32());
  }

  /** The flexible versions' form of both: a varint, greater by one; -1 is null. */
  compactLength(): number {
    return this.unsignedVarint() - 1;
  }

  /**
   * Refuses what is not UTF-8. Kafka replaces it instead; but then two names become one, and a name is
   * longer in the answer than it was in the request, where it may no longer fit.
   */
  text(length: number): string {
    if (length > STRING_BYTES_MAX) throw this.malformed(`a string of ${length} bytes`);
    const at = this.take(length);
    const text = this.bytes.toString("utf8", at, this.at);
    if (text.includes(REPLACEMENT) && !isUtf8(this.bytes.subarray(at, this.at))) {
      throw this.malformed("a string is not UTF-8");
    }
    return text;
  }

  /** As Kafka prints it: 22 characters of URL-safe base64. */
  uuid(): string {
    const at = this.take(UUID_BYTES);
    return this.bytes.toString("base64url", at, this.at);
  }

  /** A window on the frame: whoever keeps it keeps the frame. */
  view(length: number): Buffer {
    const at = this.take(length);
    return this.bytes.subarray(at, this.at);
  }

  copy(length: number): Buffer {
    return Buffer.from(this.view(length));
  }

  /** Checks that so many elements of at least `bytesMin` each can follow at all. */
  expectElements(count: number, bytesMin: number): void {
    if (count * bytesMin > this.remaining) {
      throw this.malformed(`${count} elements cannot stand in ${this.remaining} bytes`);
    }
    this.elements += count;
    if (this.elements > ELEMENTS_MAX) {
      throw this.malformed(`more than ${ELEMENTS_MAX} elements in one frame`);
    }
  }

  skip(length: number): void {
    this.take(length);
  }

  private take(length: number): number {
    const { at } = this;
    if (length > this.bytes.length - at) {
      throw this.malformed(`${length} bytes are needed, ${this.remaining} are left`);
    }
    this.at = at + length;
    return at;
  }

  private plausibleLength(length: number): number {
    if (length < -1) throw this.malformed(`a length of ${length}`);
    return length;
  }

  /** Exact up to 2^53; beyond it rounded, but never into the safe range. */
  private roundedInt64(): number {
    return this.int32() * 0x1_0000_0000 + this.uint32();
  }
}

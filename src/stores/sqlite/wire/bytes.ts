/**
 * The smallest binary writing that the store needs: whole numbers as base-128 varints, texts and
 * bytes behind their length. It stands both between the two threads, where it costs a fraction of a
 * structured clone, and in the database, so its forms do not change.
 */

import { assert } from "../../../model/assert.ts";
import { MillraceError } from "../../../model/errors.ts";

/** A text of so few units surely has a length of one byte, whatever its characters. */
const SHORT_TEXT_UNITS = 42;

export class ByteWriter {
  readonly #bytesMax: number;
  #buffer: Buffer;
  #length = 0;

  /** `bytesMax`: more than that is TOO_LARGE. */
  constructor(bytesMax: number, initialBytes = 4096) {
    this.#bytesMax = bytesMax;
    this.#buffer = Buffer.from(new ArrayBuffer(initialBytes));
  }

  get length(): number {
    return this.#length;
  }

  /** The bytes written, in a buffer of their own that can be transferred. */
  finish(): Uint8Array<ArrayBuffer> {
    const buffer = this.#buffer.buffer;
    assert(buffer instanceof ArrayBuffer, "a writer writes to memory of its own");
    return new Uint8Array(buffer, 0, this.#length);
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  /** A whole number from 0 to 2⁵³ - 1. */
  number(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#buffer[this.#length++] = rest;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#length = this.#buffer.writeDoubleLE(value, this.#length);
  }

  text(value: string): void {
    if (value.length <= SHORT_TEXT_UNITS) {
      this.#reserve(1 + value.length * 3);
      const bytes = this.#buffer.write(value, this.#length + 1, "utf8");
      this.#buffer[this.#length] = bytes;
      this.#length += 1 + bytes;
      return;
    }
    const bytes = Buffer.byteLength(value, "utf8");
    this.number(bytes);
    this.#reserve(bytes);
    this.#length += this.#buffer.write(value, this.#length, "utf8");
  }

  bytes(value: Uint8Array): void {
    this.number(value.length);
    this.raw(value);
  }

  /** Bytes without a length before them. */
  raw(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  /** Leaves room for a length of four bytes, to be filled by `endBlock`; returns its place. */
  beginBlock(): number {
    this.#reserve(4);
    this.#length += 4;
    return this.#length - 4;
  }

  endBlock(place: number): void {
    this.#buffer.writeUInt32LE(this.#length - place - 4, place);
  }

  block(value: Uint8Array): void {
    const place = this.beginBlock();
    this.raw(value);
    this.endBlock(place);
  }

  list<Item>(items: readonly Item[], write: (writer: ByteWriter, item: Item) => void): void {
    this.number(items.length);
    for (const item of items) write(this, item);
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#buffer.length) return;
    if (needed > this.#bytesMax) {
      throw new MillraceError(
        "TOO_LARGE",
        `one call to the store has over ${this.#bytesMax} bytes; apply it in smaller batches`,
      );
    }
    const bytesNext = Math.min(Math.max(needed, this.#buffer.length * 2), this.#bytesMax);
    const grown = Buffer.from(new ArrayBuffer(bytesNext));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }
}

/** Reads what `ByteWriter` wrote. Bytes are views of the buffer, not copies. */
export class ByteReader {
  readonly #buffer: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at === this.#buffer.length;
  }

  byte(): number {
    assert(this.#at < this.#buffer.length, "a reader stays within its bytes");
    return this.#buffer[this.#at++]!;
  }

  number(): number {
    let byte = this.byte();
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    let scale = 0x80;
    do {
      byte = this.byte();
      value += (byte & 0x7f) * scale;
      scale *= 0x80;
    } while (byte >= 0x80);
    return value;
  }

  double(): number {
    this.#at += 8;
    return this.#buffer.readDoubleLE(this.#at - 8);
  }

  text(): string {
    const start = this.#advance(this.number());
    return this.#buffer.toString("utf8", start, this.#at);
  }

  bytes(): Uint8Array {
    const start = this.#advance(this.number());
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset + start, this.#at - start);
  }

  /** Goes into a block instead of over it; returns its length. */
  beginBlock(): number {
    return this.#buffer.readUInt32LE(this.#advance(4));
  }

  block(): Uint8Array {
    const length = this.beginBlock();
    const start = this.#advance(length);
    return new Uint8Array(this.#buffer.buffer, this.#buffer.byteOffset + start, length);
  }

  list<Item>(read: (reader: ByteReader) => Item): Item[] {
    const items: Item[] = [];
    for (let left = this.number(); left > 0; left--) items.push(read(this));
    return items;
  }

  /** Steps over `length` bytes and returns where they begin. */
  #advance(length: number): number {
    const start = this.#at;
    this.#at += length;
    assert(this.#at <= this.#buffer.length, "a reader stays within its bytes");
    return start;
  }
}

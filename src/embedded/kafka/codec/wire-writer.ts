/**
 * Gathers the bytes of one message.
 *
 * Small things are written into a growing buffer; record batches are taken as they are, uncopied, as
 * pieces of their own. So the message ends as a list of buffers, to be written to a socket by one
 * `writev`: what lies on disk as batches goes out as the same bytes.
 *
 *     [ length, header, fields ... ][ records, not ours ][ fields ... ][ records, not ours ][ fields ]
 *
 * A value that its field cannot carry is a defect of the caller, never of a client.
 */

import { assert } from "../../../model/assert.ts";
import { STRING_BYTES_MAX, UUID_BYTES } from "./wire-reader.ts";

const FIRST_BYTES = 512;
const UUID_CHARACTERS = 22;
/** UTF-8 takes at most so many bytes for a unit of a JavaScript string. */
const UTF8_BYTES_MAX = 3;
const VARINT_BYTES_MAX = 5;

export class WireWriter {
  /** What is being written: goes into the error if that fails. */
  field = "";
  private buffer: Buffer = Buffer.allocUnsafe(FIRST_BYTES);
  /** Where in `buffer` the piece begins that no other piece follows yet. */
  private start = 0;
  private at = 0;
  private readonly pieces: Buffer[] = [];
  private piecesBytes = 0;

  /** So far, taken pieces included. */
  get length(): number {
    return this.piecesBytes + this.at - this.start;
  }

  /** The bytes, in pieces; the writer ends with this. */
  finish(): Buffer[] {
    this.closePiece();
    return this.pieces;
  }

  bool(value: boolean): void {
    this.int8(value ? 1 : 0);
  }

  int8(value: number): void {
    this.check((value << 24) >> 24 === value, value, "int8");
    this.buffer[this.grow(1)] = value;
  }

  int16(value: number): void {
    this.check((value << 16) >> 16 === value, value, "int16");
    this.putInt16(this.grow(2), value);
  }

  uint16(value: number): void {
    this.check((value & 0xffff) === value, value, "uint16");
    this.putInt16(this.grow(2), value);
  }

  int32(value: number): void {
    this.check((value | 0) === value, value, "int32");
    this.putInt32(this.grow(4), value);
  }

  uint32(value: number): void {
    this.check(value >>> 0 === value, value, "uint32");
    this.putInt32(this.grow(4), value);
  }

  int64(value: number): void {
    this.check(Number.isSafeInteger(value), value, "exact int64");
    const at = this.grow(8);
    this.putInt32(at, Math.floor(value / 0x1_0000_0000));
    this.putInt32(at + 4, value);
  }

  /** The ends of the safe range stand for the ends of the 64-bit range, as in the reader. */
  saturatedInt64(value: number): void {
    if (Math.abs(value) !== Number.MAX_SAFE_INTEGER) return this.int64(value);
    const at = this.grow(8);
    this.putInt32(at, value > 0 ? 0x7fff_ffff : 0x8000_0000);
    this.putInt32(at + 4, value > 0 ? 0xffff_ffff : 0);
  }

  float64(value: number): void {
    this.check(typeof value === "number", value, "float64");
    const at = this.grow(8);
    this.buffer.writeDoubleBE(value, at);
  }

  unsignedVarint(value: number): void {
    const at = this.grow(varintBytes(value));
    this.putVarint(at, value);
  }

  /** A string with its 16-bit length. */
  text(value: string): void {
    this.reserve(2 + value.length * UTF8_BYTES_MAX);
    const bytes = this.buffer.write(value, this.at + 2);
    this.check(bytes <= STRING_BYTES_MAX, `${bytes} bytes`, "string");
    this.putInt16(this.at, bytes);
    this.at += 2 + bytes;
  }

  /** A string with its length as a varint, greater by one. */
  compactText(value: string): void {
    const bytesMax = value.length * UTF8_BYTES_MAX;
    this.reserve(VARINT_BYTES_MAX + bytesMax);
    const oneByteLength = bytesMax + 1 < 0x80;
    if (!oneByteLength) this.unsignedVarint(Buffer.byteLength(value) + 1);
    const at = oneByteLength ? this.at + 1 : this.at;
    const bytes = this.buffer.write(value, at);
    this.check(bytes <= STRING_BYTES_MAX, `${bytes} bytes`, "string");
    if (oneByteLength) this.buffer[this.at] = bytes + 1;
    this.at = at + bytes;
  }

  uuid(value: string): void {
    const at = this.grow(UUID_BYTES);
    const bytes = this.buffer.write(value, at, UUID_BYTES, "base64url");
    this.check(bytes === UUID_BYTES && value.length === UUID_CHARACTERS, value, "uuid");
  }

  /** Bytes that are copied. */
  raw(value: Buffer): void {
    const at = this.grow(value.length);
    value.copy(this.buffer, at);
  }

  /** Bytes that become a piece of their own, uncopied: they may not change until they are sent. */
  piece(value: Buffer): void {
    if (value.length === 0) return;
    this.closePiece();
    this.pieces.push(value);
    this.piecesBytes += value.length;
  }

  /** Runs `write` and puts the number of bytes that it wrote in front of them, as a varint. */
  sized(write: () => void): void {
    const from = this.length;
    const pieces = this.pieces.length;
    write();
    assert(this.pieces.length === pieces, "no record batch stands in a tagged field");
    const bytes = this.length - from;
    const prefix = varintBytes(bytes);
    this.reserve(prefix);
    const at = this.at - bytes;
    this.buffer.copyWithin(at + prefix, at, this.at);
    this.putVarint(at, bytes);
    this.at += prefix;
  }

  private check(fits: boolean, value: unknown, type: string): void {
    if (!fits) assert(false, `${this.field}: ${String(value)} is no ${type}`);
  }

  private putInt16(at: number, value: number): void {
    this.buffer[at] = value >>> 8;
    this.buffer[at + 1] = value;
  }

  private putInt32(at: number, value: number): void {
    const { buffer } = this;
    buffer[at] = value >>> 24;
    buffer[at + 1] = value >>> 16;
    buffer[at + 2] = value >>> 8;
    buffer[at + 3] = value;
  }

  private putVarint(at: number, value: number): void {
    let rest = value;
    let next = at;
    for (; rest > 0x7f; rest >>>= 7) this.buffer[next++] = rest | 0x80;
    this.buffer[next] = rest;
  }

  /** Makes room for so many bytes and returns where they begin. */
  private grow(bytes: number): number {
    this.reserve(bytes);
    const { at } = this;
    this.at = at + bytes;
    return at;
  }

  private reserve(bytes: number): void {
    if (bytes > this.buffer.length - this.at) this.enlarge(bytes);
  }

  /** Moves the open piece alone: the closed ones keep the old buffer. */
  private enlarge(bytes: number): void {
    const open = this.at - this.start;
    const larger = Buffer.allocUnsafe(Math.max(2 * this.buffer.length, 2 * open + bytes));
    this.buffer.copy(larger, 0, this.start, this.at);
    this.buffer = larger;
    this.start = 0;
    this.at = open;
  }

  private closePiece(): void {
    if (this.at === this.start) return;
    this.pieces.push(this.buffer.subarray(this.start, this.at));
    this.piecesBytes += this.at - this.start;
    this.start = this.at;
  }
}

function varintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}

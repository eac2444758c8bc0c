/**
 * Snappy, raw and in the framing of the Java library "xerial", which Kafka's own clients use.
 *
 * ```
 * xerial  := 0x82 "SNAPPY" 0x00 version:int32 compatible:int32 chunk*          big-endian
 * chunk   := length:int32 raw
 * raw     := length:varint element*                                           little-endian
 * element := tag:uint8 …    by the tag's two lowest bits:
 *            0  literals: length - 1 in six bits, or 60 to 63: in the next one to four octets
 *            1  match: length - 4 in three bits, distance in three bits and one octet
 *            2  match: length - 1 in six bits, distance in two octets
 *            3  match: length - 1 in six bits, distance in four octets
 * ```
 *
 * Clients in other languages write raw, so both are read; xerial is written.
 */

import type { CompressionCodec } from "./compression-codec.ts";
import { malformed, tooLarge } from "./decompression-failed.ts";
import { copyLiterals, copyMatch } from "./copies.ts";
import { findMatches } from "./matches.ts";

const XERIAL_MARK = Buffer.from("82534e4150505900", "hex");
const XERIAL_HEADER = Buffer.concat([XERIAL_MARK, Buffer.of(0, 0, 0, 1, 0, 0, 0, 1)]);
/** As in Kafka's clients. */
const CHUNK_BYTES = 32 * 1024;
/** Three octets of a match become at most so many: no honest length is beyond it. */
const EXPANSION_MAX = 64;

export const snappy: CompressionCodec = {
  name: "snappy",

  compress(bytes) {
    const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const parts: Buffer[] = [XERIAL_HEADER];
    for (let start = 0; start < input.length; start += CHUNK_BYTES) {
      const chunk = compressRaw(input, start, Math.min(input.length, start + CHUNK_BYTES));
      const length = Buffer.allocUnsafe(4);
      length.writeInt32BE(chunk.length);
      parts.push(length, chunk);
    }
    return Buffer.concat(parts);
  },

  decompress(bytes, { bytesMax }) {
    const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    if (!hasMark(input, 0)) return decompressRaw(input, bytesMax);
    const parts: Buffer[] = [];
    let left = bytesMax;
    for (let at = 0; at < input.length;) {
      // Streams may follow one another, each with its header.
      if (hasMark(input, at)) {
        at += XERIAL_HEADER.length;
        continue;
      }
      if (at + 4 > input.length) throw malformed("snappy", "a chunk is cut off");
      const length = input.readInt32BE(at);
      const end = at + 4 + length;
      if (length < 0 || end > input.length) throw malformed("snappy", "a chunk is cut off");
      const part = decompressRaw(input.subarray(at + 4, end), left, bytesMax);
      left -= part.length;
      parts.push(part);
      at = end;
    }
    return Buffer.concat(parts);
  },
};

function hasMark(input: Buffer, at: number): boolean {
  return (
    at + XERIAL_HEADER.length <= input.length &&
    input.compare(XERIAL_MARK, 0, XERIAL_MARK.length, at, at + XERIAL_MARK.length) === 0
  );
}

/** `bytesMax` is the limit that the error names. */
function decompressRaw(input: Buffer, left: number, bytesMax = left): Buffer {
  const [length, start] = readLength(input);
  if (length > left) throw tooLarge("snappy", bytesMax);
  if (length > input.length * EXPANSION_MAX) throw malformed("snappy", "contents are missing");
  const output = Buffer.allocUnsafe(length);
  let outputAt = 0;
  for (let at = start; at < input.length;) {
    const tag = input[at++]!;
    const kind = tag & 3;
    const octets = kind === 0 ? Math.max(0, (tag >>> 2) - 59) : kind === 3 ? 4 : kind;
    if (at + octets > input.length) throw malformed("snappy", "an element is cut off");
    const number = octets === 0 ? tag >>> 2 : input.readUIntLE(at, octets);
    at += octets;
    if (kind === 0) {
      const end = at + number + 1;
      if (end > input.length) throw malformed("snappy", "literals are cut off");
      if (outputAt + number + 1 > length) throw malformed("snappy", "more than its length says");
      copyLiterals(output, outputAt, { source: input, from: at, to: end });
      outputAt += number + 1;
      at = end;
      continue;
    }
    const distance = kind === 1 ? number + ((tag >>> 5) << 8) : number;
    const matched = kind === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1;
    if (distance === 0 || distance > outputAt) {
      throw malformed("snappy", "a match begins before the contents");
    }
    if (outputAt + matched > length) throw malformed("snappy", "more than its length says");
    copyMatch(output, { at: outputAt, distance, length: matched });
    outputAt += matched;
  }
  if (outputAt < length) throw malformed("snappy", "less than its length says");
  return output;
}

/** The length that a raw stream begins with, and where its elements begin. */
function readLength(input: Buffer): readonly [length: number, start: number] {
  let length = 0;
  for (let at = 0; at < 5 && at < input.length; at++) {
    const octet = input[at]!;
    length += (octet & 0x7f) * 2 ** (7 * at);
    if (octet < 0x80) return [length, at + 1];
  }
  throw malformed("snappy", "no length");
}

function compressRaw(input: Buffer, start: number, end: number): Buffer {
  const length = end - start;
  const raw = Buffer.allocUnsafe(length + Math.ceil(length / 6) + 32);
  let at = 0;
  let rest = length;
  for (; rest > 0x7f; rest >>>= 7) raw[at++] = (rest & 0x7f) | 0x80;
  raw[at++] = rest;

  const literals = (from: number, to: number): void => {
    if (to === from) return;
    const number = to - from - 1;
    if (number < 60) raw[at++] = number << 2;
    else {
      raw[at++] = 61 << 2;
      at = raw.writeUInt16LE(number, at);
    }
    at += input.copy(raw, at, from, to);
  };
  let done = start;
  for (const { from, to, distance } of findMatches(input, { start, end, literalTail: 0 })) {
    literals(done, from);
    for (let left = to - from; left > 0;) {
      const copied = Math.min(left, 64);
      raw[at++] = ((copied - 1) << 2) | 2;
      at = raw.writeUInt16LE(distance, at);
      left -= copied;
    }
    done = to;
  }
  literals(done, end);
  return raw.subarray(0, at);
}

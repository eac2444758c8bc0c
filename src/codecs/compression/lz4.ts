/**
 * LZ4 in its frame format, as Kafka's clients write it for batches of format 2.
 *
 * ```
 * frame     := magic:uint32=0x184d2204 flags:uint8 blockSize:uint8 [contentSize:uint64]
 *              [dictionaryId:uint32] headerChecksum:uint8 block* endMark:uint32=0 [checksum:uint32]
 * block     := size:uint32 octet{size} [checksum:uint32]     size's highest bit: stored as it is
 * octets    := sequence*
 * sequence  := token:uint8 [literalLength+] literal* distance:uint16 [matchLength+]
 * ```
 *
 * Little-endian. The token has the two lengths in four bits each, 15 saying that octets follow to be
 * added, up to the first below 255; matches are 4 longer than said; the last sequence ends with its
 * literals. Blocks may refer to the blocks before them. Frames may follow one another.
 */

import type { CompressionCodec } from "./compression-codec.ts";
import { malformed, tooLarge } from "./decompression-failed.ts";
import { GrowingBuffer } from "./growing-buffer.ts";
import { findMatches } from "./matches.ts";

const MAGIC = 0x184d2204;
/** Bits of the flags. */
const VERSION_MASK = 0xc0;
const VERSION = 0x40;
const BLOCK_CHECKSUM = 0x10;
const CONTENT_SIZE = 0x08;
const CONTENT_CHECKSUM = 0x04;
const DICTIONARY = 0x01;

const STORED = 0x8000_0000;
const MATCH_BYTES_MIN = 4;
/** The format wants the last bytes of a block to be literals. */
const LITERAL_TAIL = 12;
/** Blocks of 64 KiB that know nothing of one another, no checksums, and the checksum of these bytes. */
const HEADER = Buffer.of(0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82);
const BLOCK_BYTES = 64 * 1024;
const FRAME_BYTES_MIN = 11;

export const lz4: CompressionCodec = {
  name: "lz4",

  compress(bytes) {
    const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const parts: Buffer[] = [HEADER];
    for (let start = 0; start < input.length; start += BLOCK_BYTES) {
      const end = Math.min(input.length, start + BLOCK_BYTES);
      const block = compressBlock(input, start, end);
      const stored = block.length >= end - start;
      parts.push(uint32(stored ? (end - start + STORED) >>> 0 : block.length));
      parts.push(stored ? input.subarray(start, end) : block);
    }
    return Buffer.concat([...parts, uint32(0)]);
  },

  decompress(bytes, { bytesMax }) {
    const input = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const output = new GrowingBuffer({
      expectedBytes: input.length * 4,
      bytesMax,
      overflow: () => tooLarge("lz4", bytesMax),
    });
    let at = 0;
    do at = readFrame(input, at, output);
    while (at < input.length);
    return output.contents();
  },
};

/** Returns where the frame ends. */
function readFrame(input: Buffer, start: number, output: GrowingBuffer): number {
  if (input.length - start < FRAME_BYTES_MIN) throw malformed("lz4", "the frame is cut off");
  if (input.readUInt32LE(start) !== MAGIC) throw malformed("lz4", "no frame begins here");
  const flags = input[start + 4]!;
  if ((flags & VERSION_MASK) !== VERSION) throw malformed("lz4", "unknown version of the frame");
  if (flags & DICTIONARY) throw malformed("lz4", "it needs a dictionary");
  const blockTrailer = flags & BLOCK_CHECKSUM ? 4 : 0;
  let at = start + 7 + (flags & CONTENT_SIZE ? 8 : 0);
  for (;;) {
    if (at + 4 > input.length) throw malformed("lz4", "the frame is cut off");
    const size = input.readUInt32LE(at);
    at += 4;
    if (size === 0) break;
    const length = size % STORED;
    const end = at + length;
    if (end + blockTrailer > input.length) throw malformed("lz4", "a block is cut off");
    if (size >= STORED) output.append(input, at, end);
    else decompressBlock(input, { at, end }, output);
    at = end + blockTrailer;
  }
  if (flags & CONTENT_CHECKSUM) at += 4;
  if (at > input.length) throw malformed("lz4", "the frame is cut off");
  return at;
}

function decompressBlock(
  input: Buffer,
  block: { readonly at: number; readonly end: number },
  output: GrowingBuffer,
): void {
  const { end } = block;
  let { at } = block;
  const extended = (nibble: number): number => {
    let length = nibble;
    for (let octet = nibble === 15 ? 255 : 0; octet === 255; length += octet) {
      if (at >= end) throw malformed("lz4", "a length is cut off");
      octet = input[at++]!;
    }
    return length;
  };
  for (;;) {
    if (at >= end) throw malformed("lz4", "a sequence is missing");
    const token = input[at++]!;
    const literals = extended(token >>> 4);
    if (at + literals > end) throw malformed("lz4", "literals are cut off");
    output.append(input, at, at + literals);
    at += literals;
    if (at === end) return;
    if (at + 2 > end) throw malformed("lz4", "a distance is cut off");
    const distance = input.readUInt16LE(at);
    at += 2;
    if (distance === 0 || distance > output.length) {
      throw malformed("lz4", "a match begins before the contents");
    }
    output.repeat(distance, extended(token & 15) + MATCH_BYTES_MIN);
  }
}

function compressBlock(input: Buffer, start: number, end: number): Buffer {
  const block = Buffer.allocUnsafe(end - start + Math.ceil((end - start) / 255) + 16);
  let at = 0;
  const extend = (length: number): void => {
    let rest = length - 15;
    for (; rest >= 255; rest -= 255) block[at++] = 255;
    if (rest >= 0) block[at++] = rest;
  };
  const literals = (from: number, to: number, matchNibble: number): void => {
    const length = to - from;
    block[at++] = (Math.min(length, 15) << 4) | matchNibble;
    extend(length);
    at += input.copy(block, at, from, to);
  };
  let done = start;
  for (const { from, to, distance } of findMatches(input, {
    start,
    end,
    literalTail: LITERAL_TAIL,
  })) {
    const length = to - from - MATCH_BYTES_MIN;
    literals(done, from, Math.min(length, 15));
    at = block.writeUInt16LE(distance, at);
    extend(length);
    done = to;
  }
  literals(done, end, 0);
  return block.subarray(0, at);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

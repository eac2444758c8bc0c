import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { createSeededRandom } from "../../model/ids.ts";
import type { CompressionCodec } from "./compression-codec.ts";
import { compressionCodec } from "./compression.ts";
import { DecompressionFailed } from "./decompression-failed.ts";

const CODECS: readonly CompressionCodec[] = [1, 2, 3, 4].map((number) => compressionCodec(number)!);
const LIMITS = { bytesMax: 1_000_000 };

/** Letters that compress a little, much, or not at all. */
function sample(seed: number): Buffer {
  const random = createSeededRandom(seed);
  const length = Math.floor(random.next() * (seed % 4 === 0 ? 200_000 : 2_000));
  const kinds = 1 + Math.floor(random.next() * 256);
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length;) {
    if (random.next() < 0.3 && at > 0) {
      const distance = 1 + Math.floor(random.next() * Math.min(at, 70_000));
      const run = Math.min(length - at, 1 + Math.floor(random.next() * 300));
      for (let index = 0; index < run; index++, at++) bytes[at] = bytes[at - distance]!;
    } else bytes[at++] = Math.floor(random.next() * kinds);
  }
  return bytes;
}

function failure(codec: CompressionCodec, bytes: Buffer, bytesMax: number): string {
  try {
    return `${codec.decompress(bytes, { bytesMax }).length} bytes`;
  } catch (error) {
    assert.ok(error instanceof DecompressionFailed, String(error));
    return error.failure;
  }
}

test("codecs have the numbers of Kafka's batches, and others are unknown", () => {
  assert.deepEqual(
    CODECS.map(({ name }) => name),
    ["gzip", "snappy", "lz4", "zstd"],
  );
  for (const number of [0, 5, 6, 7]) assert.equal(compressionCodec(number), undefined);
});

test("what a codec compresses, it decompresses to the same bytes", () => {
  let bytes = 0;
  for (const codec of CODECS) {
    for (let seed = 0; seed < 60; seed++) {
      const input = sample(seed);
      const output = codec.decompress(codec.compress(input), LIMITS);
      assert.ok(output.equals(input), `${codec.name}, seed ${seed}`);
      bytes += output.length;
    }
  }
  assert.ok(bytes > 2_000_000, `only ${bytes} bytes were compared`);
});

test("a view of a larger buffer is compressed alone", () => {
  const view = Buffer.from("before the words that count after").subarray(7, 27);
  for (const codec of CODECS) {
    assert.equal(codec.decompress(codec.compress(view), LIMITS).toString(), "the words that count");
  }
});

test("output beyond the limit is refused, and output of just that size is not", () => {
  const input = Buffer.alloc(300_000, "abc");
  for (const codec of CODECS) {
    const compressed = codec.compress(input);
    assert.equal(failure(codec, compressed, 300_000), "300000 bytes", codec.name);
    assert.equal(failure(codec, compressed, 299_999), "too-large", codec.name);
  }
});

test("a bomb costs no more than the limit", () => {
  const bombs = [
    gzipSync(Buffer.alloc(16 * 1024 * 1024)),
    // A length of 2^32 - 1, and one literal.
    Buffer.from("ffffffff0f0061", "hex"),
    // One literal, and a match of 255 bytes for each further octet.
    Buffer.concat([
      Buffer.from("04224d18604082", "hex"),
      Buffer.from("00000800", "hex"),
      Buffer.from("1f610100", "hex"),
      Buffer.alloc(0x80000 - 6, 0xff),
      Buffer.alloc(2),
      Buffer.alloc(4),
    ]),
    CODECS[3]!.compress(Buffer.alloc(16 * 1024 * 1024)),
  ];
  for (const [index, codec] of CODECS.entries()) {
    const before = process.memoryUsage().arrayBuffers;
    assert.equal(failure(codec, bombs[index]!, 1_000_000), "too-large", codec.name);
    const grown = process.memoryUsage().arrayBuffers - before;
    assert.ok(grown < 20_000_000, `${codec.name} took ${grown} bytes`);
  }
});

test("bytes cut off anywhere are malformed", () => {
  const input = sample(7);
  for (const codec of CODECS) {
    const compressed = codec.compress(input);
    for (let length = 0; length < compressed.length; length += 13) {
      const outcome = failure(codec, compressed.subarray(0, length), LIMITS.bytesMax);
      // The framing of snappy has no end: behind a whole chunk nothing is missing.
      if (codec.name === "snappy" && length === 16) continue;
      assert.equal(outcome, "malformed", `${codec.name} of ${length} bytes`);
    }
  }
});

test("damaged and random bytes give an error or other bytes, never anything else", () => {
  const random = createSeededRandom(5);
  let refused = 0;
  for (const codec of CODECS) {
    const whole = codec.compress(sample(11));
    for (let round = 0; round < 1_000; round++) {
      const bytes =
        round % 3 === 0
          ? Buffer.from(Array.from({ length: 60 }, () => Math.floor(random.next() * 256)))
          : Buffer.from(whole);
      for (let change = 0; change <= round % 4; change++) {
        bytes[Math.floor(random.next() * bytes.length)] = Math.floor(random.next() * 256);
      }
      if (!failure(codec, bytes, LIMITS.bytesMax).endsWith("bytes")) refused++;
    }
  }
  assert.ok(refused > 1_500, `only ${refused} were refused`);
});

test("snappy is read raw, too, as clients in other languages write it", () => {
  const snappy = CODECS[1]!;
  // "abcd" as literals, then 12 bytes from 4 before, and 5 more by the short form.
  const raw = Buffer.from("150c616263642e04000504", "hex");
  assert.equal(snappy.decompress(raw, LIMITS).toString(), "abcdabcdabcdabcdabcda");
  assert.throws(() => snappy.decompress(Buffer.from("050c61626364", "hex"), LIMITS), {
    failure: "malformed",
  });
});

test("snappy streams that follow one another in xerial's framing are one", () => {
  const snappy = CODECS[1]!;
  const two = Buffer.concat(["one ", "two"].map((text) => snappy.compress(Buffer.from(text))));
  assert.equal(snappy.decompress(two, LIMITS).toString(), "one two");
});

test("lz4 blocks may refer to earlier ones, be stored, and have checksums and a content size", () => {
  const lz4 = CODECS[2]!;
  const frame = Buffer.concat([
    // Linked blocks, with checksums of blocks and contents, and the content's size.
    Buffer.from("04224d185c40", "hex"),
    Buffer.from("0c00000000000000", "hex"),
    Buffer.of(0x00),
    Buffer.from("0400008061626364", "hex"),
    Buffer.alloc(4),
    // No literals, four from four before; then four literals.
    Buffer.from("0800000000040040", "hex"),
    Buffer.from("65666768", "hex"),
    Buffer.alloc(4),
    Buffer.alloc(8),
  ]);
  assert.equal(lz4.decompress(frame, LIMITS).toString(), "abcdabcdefgh");
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32c } from "./crc32c.ts";

const ascending = Uint8Array.from({ length: 32 }, (_, index) => index);

/** The vectors of RFC 3720, appendix B.4, and the check value of the CRC catalogue. */
const VECTORS: readonly (readonly [name: string, bytes: Uint8Array, crc: number])[] = [
  ["nothing", new Uint8Array(0), 0],
  ["123456789", Buffer.from("123456789"), 0xe3069283],
  ["32 zeros", new Uint8Array(32), 0x8a9136aa],
  ["32 ones", new Uint8Array(32).fill(0xff), 0x62a8ab43],
  ["ascending", ascending, 0x46dd794e],
  ["descending", ascending.toReversed(), 0x113fdb5c],
];

for (const [name, bytes, crc] of VECTORS) {
  test(`the checksum of ${name} is the published one`, () => {
    assert.equal(crc32c(bytes), crc);
  });
}

test("a checksum continued at any cut equals the checksum of the whole", () => {
  const bytes = Uint8Array.from({ length: 700 }, (_, index) => (index * 37) & 0xff);
  const whole = crc32c(bytes);
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.equal(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut)), whole, `cut at ${cut}`);
  }
});

/** A bit at a time, straight from the polynomial. */
function plainly(bytes: Uint8Array): number {
  let crc = -1;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test("long inputs, at first and in blocks with what is left of them, have the checksum of the definition", () => {
  const bytes = Uint8Array.from(
    { length: 150_000 },
    (_, index) => (index * 31 + (index >> 7)) & 0xff,
  );
  const lengths = [2_047, 2_048, 2_049, 16_383, 16_384, 16_385, 20_480, 131_072, 131_073, 150_000];
  const check = (): void => {
    for (const length of lengths) {
      for (const start of [0, 1, 15, 61]) {
        const piece = bytes.subarray(start, length);
        assert.equal(crc32c(bytes, start, length), plainly(piece), `${start} to ${length}`);
      }
    }
  };
  check();
  const many = new Uint8Array(5 * 1024 * 1024).fill(7);
  assert.equal(crc32c(many), plainly(many));
  check();
  const cut = 40_001;
  assert.equal(crc32c(bytes, cut, bytes.length, crc32c(bytes, 0, cut)), plainly(bytes));
});

test("any flipped bit changes the checksum", () => {
  const bytes = Uint8Array.from({ length: 64 }, (_, index) => index);
  const before = crc32c(bytes);
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >>> 3]! ^= 1 << (bit & 7);
    assert.notEqual(crc32c(flipped), before);
  }
});

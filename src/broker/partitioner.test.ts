import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "../model/ids.ts";
import { KeylessSpread, murmur2, partitionOfKey } from "./partitioner.ts";

test("murmur2 gives the values of Kafka's own UtilsTest", () => {
  const vectors: Record<string, number> = {
    "21": -973932308,
    foobar: -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
    abc: 479470107,
  };
  for (const [text, hash] of Object.entries(vectors)) {
    assert.equal(murmur2(new TextEncoder().encode(text)), hash, text);
  }
});

test("a key has one partition, whether it comes as text or as its UTF-8 bytes", () => {
  const seed = 11;
  const random = createSeededRandom(seed);
  const letters = ["a", "7", "-", "é", "漢", "😀"];
  let compared = 0;
  for (let round = 0; round < 500; round++) {
    const length = Math.floor(random.next() * 12);
    const key = Array.from(
      { length },
      () => letters[Math.floor(random.next() * (round % 2 === 0 ? 3 : letters.length))],
    ).join("");
    const bytes = new TextEncoder().encode(key);
    assert.equal(partitionOfKey(key, 7), partitionOfKey(bytes, 7), `seed ${seed}, key ${key}`);
    assert.equal(partitionOfKey(key, 7), (murmur2(bytes) & 0x7fffffff) % 7);
    compared++;
  }
  assert.equal(compared, 500);
});

test("keyless messages are spread evenly, in few runs within one call", () => {
  const spread = new KeylessSpread(3);
  spread.begin(9);
  const call = Array.from({ length: 9 }, () => spread.next());
  assert.deepEqual(call, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
  const singles = Array.from({ length: 6 }, () => {
    spread.begin(1);
    return spread.next();
  });
  assert.deepEqual(singles, [0, 1, 2, 0, 1, 2]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { text, wireBytes } from "../log-stage.test.ts";
import { BatchRefused, type RefusalReason } from "../batch-refused.ts";
import { AT, CONTROL, TRANSACTIONAL } from "./batch-layout.ts";
import { crc32c } from "./crc32c.ts";
import { placeBatch, splitBatches } from "./wire-batch.ts";

function refusal(bytes: Buffer, bytesMax?: number): RefusalReason {
  try {
    splitBatches(bytes, bytesMax);
  } catch (error) {
    if (error instanceof BatchRefused) return error.reason;
    throw error;
  }
  throw new Error("the batch was taken");
}

/** A batch changed behind its checksum's back, with the checksum mended. */
function forged(change: (batch: Buffer) => void): Buffer {
  const batch = Buffer.from(wireBytes([text("a"), text("b")]));
  change(batch);
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
  return batch;
}

test("several batches of one request are cut apart without a copy", () => {
  const both = Buffer.concat([wireBytes([text("a"), text("b")]), wireBytes([text("c")])]);
  const batches = splitBatches(both);
  assert.deepEqual(
    batches.map(({ header }) => [header.count, header.producerId, header.baseSequence]),
    [
      [2, -1, -1],
      [1, -1, -1],
    ],
  );
  assert.ok(batches.every(({ bytes }) => bytes.buffer === both.buffer));
});

test("what a producer says of itself must make sense", () => {
  const made = (id: number, epoch: number, sequence: number, transactional = false): Buffer =>
    forged((batch) => {
      batch.writeBigInt64BE(BigInt(id), AT.producerId);
      batch.writeInt16BE(epoch, AT.producerEpoch);
      batch.writeInt32BE(sequence, AT.baseSequence);
      if (transactional) batch.writeInt16BE(TRANSACTIONAL, AT.attributes);
    });
  for (const bad of [made(7, -1, 0), made(7, 0, -1), made(-1, -1, -1, true)]) {
    assert.equal(refusal(bad), "invalid");
  }
  for (const good of [made(7, 0, 0), made(7, 0, 0, true), made(-1, -1, -1)]) splitBatches(good);
});

test("placing a batch leaves its checksum as it was", () => {
  const [batch] = splitBatches(wireBytes([text("a")]));
  const crc = batch!.bytes.readUInt32BE(AT.crc);
  placeBatch(batch!, 2 ** 40 + 7);
  assert.equal(batch!.bytes.readBigInt64BE(AT.baseOffset), 2n ** 40n + 7n);
  assert.equal(crc32c(batch!.bytes, AT.attributes), crc);
});

test("every bit that flips in a batch is noticed, but for those of offset and epoch", () => {
  const batch = wireBytes([text("a", "k")]);
  let noticed = 0;
  for (let bit = AT.magic * 8; bit < batch.length * 8; bit++) {
    const flipped = Buffer.from(batch);
    flipped[bit >> 3]! ^= 1 << (bit & 7);
    refusal(flipped);
    noticed++;
  }
  assert.equal(noticed, (batch.length - AT.magic) * 8);
});

test("a batch that claims 2^31-1 records is refused, also where its offsets agree", () => {
  const claims = forged((batch) => {
    batch.writeInt32BE(2 ** 31 - 1, AT.count);
    batch.writeInt32BE(2 ** 31 - 2, AT.lastOffsetDelta);
  });
  assert.equal(refusal(claims), "invalid");
});

test("a batch that contradicts itself is refused, whatever its checksum", () => {
  const batch = wireBytes([text("a")]);
  assert.equal(refusal(batch.subarray(0, 60)), "invalid");
  assert.equal(refusal(batch.subarray(0, -1)), "corrupt");
  assert.equal(refusal(batch, batch.length - 1), "too-large");
  assert.equal(refusal(forged((bytes) => bytes.writeUInt8(1, AT.magic))), "old-format");
  assert.equal(refusal(forged((bytes) => bytes.writeInt32BE(3, AT.count))), "invalid");
  assert.equal(refusal(forged((bytes) => bytes.writeInt32BE(0, AT.count))), "invalid");
  assert.equal(refusal(forged((bytes) => bytes.writeInt32BE(-1, AT.length))), "invalid");
  assert.equal(refusal(forged((bytes) => bytes.writeInt16BE(CONTROL, AT.attributes))), "invalid");
});

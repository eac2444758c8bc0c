import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { compressionCodec } from "../../../codecs/compression/compression.ts";
import { AT, LENGTH_OVERHEAD } from "../format/batch-layout.ts";
import { readBatchHeader } from "../format/batch-decoder.ts";
import { openContents } from "../format/batch-contents.ts";
import { BatchRecords } from "../format/batch-records.ts";
import { openTestLog, text, texts, wireBytes } from "../log-stage.test.ts";
import { splitBatches } from "../format/wire-batch.ts";
import { crc32c } from "../format/crc32c.ts";
import { lookApart, openApart, openLight } from "./unpack-apart.ts";

const MIB = 1024 * 1024;

function sealed(batch: Buffer, codec: number): Buffer {
  batch.writeInt32BE(batch.length - LENGTH_OVERHEAD, AT.length);
  batch.writeInt16BE(codec, AT.attributes);
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
  return batch;
}

/** The same batch with its records compressed. */
function compressed(batch: Buffer, codec: number): Buffer {
  const records = compressionCodec(codec)!.compress(batch.subarray(AT.records));
  return sealed(Buffer.concat([batch.subarray(0, AT.records), records]), codec);
}

const headerOf = (batch: Buffer) => readBatchHeader(batch, 0)!;
const LARGE = wireBytes([text("x".repeat(MIB), "key"), text("two")]);

test("what is unpacked apart is what would be unpacked here, with every codec", async () => {
  for (const codec of [1, 2, 3, 4]) {
    const batch = compressed(LARGE, codec);
    const header = headerOf(batch);
    assert.equal(openLight(batch, header), undefined);
    const here = openContents(batch, 0, header);
    const apart = await openApart(batch, header);
    assert.deepEqual(
      apart.buffer.subarray(apart.start, apart.end),
      here.buffer.subarray(here.start, here.end),
    );
  }
  const small = compressed(wireBytes([text("small")]), 1);
  assert.ok(openLight(small, headerOf(small)) !== undefined);
});

test("a bomb, and contents that are no records, are told apart, and the next task is done", async () => {
  const bomb = sealed(
    Buffer.concat([LARGE.subarray(0, AT.records), gzipSync(Buffer.alloc(64 * MIB))]),
    1,
  );
  await assert.rejects(openApart(bomb, headerOf(bomb)), /more than 33554432 bytes/);
  const zeros = sealed(
    Buffer.concat([LARGE.subarray(0, AT.records), gzipSync(Buffer.alloc(MIB))]),
    1,
  );
  await assert.rejects(openApart(zeros, headerOf(zeros)), /malformed records/);
  const batch = compressed(LARGE, 4);
  const bounds = { keyed: true, oldestMs: -Infinity, newestMs: Infinity };
  const { keyless, untimely } = await lookApart(batch, headerOf(batch), bounds);
  assert.deepEqual([keyless.map(({ index }) => index), untimely], [[1], []]);
});

test("a thread that ends by a defect takes no task with it that came after", async () => {
  const batch = compressed(LARGE, 1);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what no caller gives, as a defect would
  await assert.rejects(openApart(batch, undefined as never), TypeError);
  const { start, end } = await openApart(batch, headerOf(batch));
  assert.equal(end - start, openContents(batch, 0, headerOf(batch)).end);
});

test("a reader is given the records of large batches, and one record for a bomb", async () => {
  await using bench = await openTestLog();
  const bomb = Buffer.concat([LARGE.subarray(0, AT.records), gzipSync(Buffer.alloc(64 * MIB))]);
  for (const batch of [compressed(LARGE, 1), sealed(bomb, 1), compressed(LARGE, 3)]) {
    await bench.log.appendBatches(splitBatches(batch)).durable;
  }
  const lengths = (await texts(bench.log)).map((one) => one.length);
  assert.deepEqual(
    lengths.filter((_, at) => at !== 2),
    [MIB + 2, 5, MIB + 2, 5],
  );
});

test("a batch is unpacked once, whoever asks", async () => {
  const batch = compressed(LARGE, 1);
  const records = new BatchRecords(batch, 0, headerOf(batch));
  assert.ok(records.packed);
  await Promise.all([records.unpack(), records.unpack()]);
  assert.equal(records.packed, false);
  assert.deepEqual(
    records.read(0, 10).records.map(({ value }) => value!.length),
    [MIB, 3],
  );
});

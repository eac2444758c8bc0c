/**
 * Our reader of batches against Kafka's writer: `test/kafka-golden/batches.ndjson.gz` holds what Kafka's
 * own library wrote with each of its codecs (scripts/kafka-golden.ts, GoldenBatches.java).
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { compressionCodec } from "../src/codecs/compression/compression.ts";
import { isIntact, readBatchHeader } from "../src/embedded/log/format/batch-decoder.ts";
import { AT } from "../src/embedded/log/format/batch-layout.ts";
import { BatchRecords } from "../src/embedded/log/format/batch-records.ts";
import { crc32c } from "../src/embedded/log/format/crc32c.ts";
import { createSeededRandom } from "../src/model/ids.ts";

interface GoldenBatch {
  readonly codec: string;
  readonly count: number;
  readonly valueBytes: number;
  readonly noise: boolean;
  readonly base64: string;
}

const golden: readonly GoldenBatch[] = gunzipSync(
  readFileSync("test/kafka-golden/batches.ndjson.gz"),
)
  .toString()
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line));

const START_MS = 1_735_689_600_000;
const BASE_OFFSET = 1_000;

/** As `GoldenBatches.java` makes it. */
function valueOf(index: number, { valueBytes, noise }: GoldenBatch): string {
  let letters = `${index}:`;
  let state = index + 1;
  for (let at = 0; at < valueBytes; at++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    const letter = noise ? (state >>> 16) % 26 : at % 26;
    letters += String.fromCharCode(97 + letter);
  }
  return letters;
}

test("batches of Kafka's own library read as what went in, with every codec", () => {
  let records = 0;
  const codecs = new Set<string>();
  for (const line of golden) {
    const batch = Buffer.from(line.base64, "base64");
    const header = readBatchHeader(batch, 0)!;
    assert.ok(isIntact(batch, 0, header));
    assert.deepEqual(
      [header.producerId, header.producerEpoch, header.baseSequence],
      [4_711, 3, 17],
    );
    const read = new BatchRecords(batch, 0, header).read(0, Infinity);
    assert.equal(read.next, BASE_OFFSET + line.count);
    assert.deepEqual(
      read.records.map((record) => ({ ...record, value: String(record.value) })),
      Array.from({ length: line.count }, (_, index) => ({
        offset: BASE_OFFSET + index,
        appendedMs: START_MS + index * 1_000,
        key: `key-${index}`,
        headers: [["n", String(index)]],
        value: valueOf(index, line),
      })),
      `${line.codec}, ${line.count} records`,
    );
    records += read.records.length;
    codecs.add(line.codec);
  }
  assert.deepEqual([...codecs], ["gzip", "snappy", "lz4", "zstd"]);
  assert.equal(records, 4 * 52);
});

test("lz4 blocks and chunks of snappy are written as Kafka's library frames them", () => {
  for (const codec of ["snappy", "lz4"]) {
    const line = golden.find((each) => each.codec === codec)!;
    const theirs = Buffer.from(line.base64, "base64").subarray(AT.records);
    const number = codec === "snappy" ? 2 : 3;
    const contents = compressionCodec(number)!.decompress(theirs, { bytesMax: 1_000 });
    const ours = compressionCodec(number)!.compress(contents);
    const frame = codec === "snappy" ? 16 : 7;
    assert.equal(ours.toString("hex", 0, frame), theirs.toString("hex", 0, frame));
  }
});

test("damaged contents under a checksum that holds are records or one record in their place", () => {
  const random = createSeededRandom(3);
  let unreadable = 0;
  let rounds = 0;
  for (const line of golden.filter(({ valueBytes }) => valueBytes <= 2_500)) {
    for (let round = 0; round < 300; round++) {
      const batch = Buffer.from(line.base64, "base64");
      const contents = batch.subarray(AT.records);
      for (let change = 0; change <= round % 3; change++) {
        contents[Math.floor(random.next() * contents.length)] = Math.floor(random.next() * 256);
      }
      batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
      const header = readBatchHeader(batch, 0)!;
      const { records, next } = new BatchRecords(batch, 0, header).read(0, 100);
      assert.equal(next, header.nextOffset);
      const stands = records[0]?.headers[0]?.[0] === "millrace_unreadable";
      assert.equal(records.length, stands ? 1 : line.count);
      if (stands) unreadable++;
      rounds++;
    }
  }
  assert.ok(rounds === 3_600 && unreadable > 1_500, `${unreadable} of ${rounds} were unreadable`);
});

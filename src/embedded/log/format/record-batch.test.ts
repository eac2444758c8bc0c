import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { createSeededRandom } from "../../../model/ids.ts";
import { LIMITS } from "../../../model/limits.ts";
import type { AppendRecord } from "../partition-log.ts";
import { readBatchHeader, isIntact } from "./batch-decoder.ts";
import { BatchEncoder, recordBytesMax } from "./batch-encoder.ts";
import { AT } from "./batch-layout.ts";
import { CONTENTS_BYTES_MAX } from "./batch-contents.ts";
import { BatchRecords } from "./batch-records.ts";
import type { LogRecord } from "../partition-log.ts";
import { crc32c } from "./crc32c.ts";

const golden = readFileSync(new URL("record-batch.golden.json", import.meta.url), "utf8");
const GOLDEN = Buffer.from(/"hex": "([0-9a-f]+)"/.exec(golden)![1]!, "hex");

const START_MS = 1_735_689_600_000;
const BASE_OFFSET = 1_234_567_890_123;
const RECORDS: readonly (readonly [record: AppendRecord, afterMs: number])[] = [
  [
    {
      key: "customer-7",
      headers: [
        ["ce_id", "01941f29-7c00-7000-8000-000000000001"],
        ["ce_type", "order.placed"],
      ],
      value: Buffer.from('{"orderId":"o1","total":5}'),
    },
    0,
  ],
  [{ key: null, headers: [], value: null }, 0],
  [
    {
      key: "Grüße 🎉",
      headers: [
        ["note", "käse"],
        ["raw", Buffer.of(0xff, 0xfe)],
        ["empty", ""],
      ],
      value: Buffer.of(0xff, 0, 1),
    },
    70,
  ],
  [{ key: "", headers: [], value: Buffer.from("x".repeat(100)) }, 5_000_000_000],
];

function encode(
  records: readonly (readonly [record: AppendRecord, afterMs: number])[],
  baseOffset = BASE_OFFSET,
): Buffer {
  const size = records.reduce<number>((sum, [record]) => sum + recordBytesMax(record), AT.records);
  const encoder = new BatchEncoder(Buffer.alloc(size, 0xee), baseOffset, START_MS);
  for (const [record, afterMs] of records) encoder.add(record, START_MS + afterMs);
  return encoder.seal();
}

function decode(batch: Buffer, from = 0): readonly LogRecord[] {
  const header = readBatchHeader(batch, 0)!;
  assert.ok(isIntact(batch, 0, header));
  const { records, next } = new BatchRecords(batch, 0, header).read(from, Infinity);
  assert.equal(next, header.nextOffset);
  return records;
}

/** Whether one record stands for the batch, saying why, and holds the batch as it came. */
function isUnreadable(batch: Buffer, reason: RegExp): boolean {
  const records = decode(batch);
  const [name, text = ""] = records[0]?.headers[0] ?? [];
  if (name !== "millrace_unreadable") return false;
  assert.equal(records.length, 1);
  const { offset, key, headers, value } = records[0]!;
  assert.deepEqual([offset, key, headers.length], [BASE_OFFSET, null, 1]);
  assert.match(String(text), reason);
  assert.ok(batch.equals(value!));
  assert.deepEqual(decode(batch, BASE_OFFSET + 1), [], "behind its base offset is nothing");
  return true;
}

function withHeader(change: (batch: Buffer) => void): Buffer {
  const batch = encode(RECORDS);
  change(batch);
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
  return batch;
}

test("a batch is byte for byte what Kafka's own library writes", () => {
  assert.equal(encode(RECORDS).toString("hex"), GOLDEN.toString("hex"));
});

test("what Kafka's own library wrote reads as what went in", () => {
  const records = decode(GOLDEN);
  assert.deepEqual(
    records,
    RECORDS.map(([record, afterMs], index) => ({
      offset: BASE_OFFSET + index,
      appendedMs: START_MS + afterMs,
      ...record,
    })),
  );
});

test("reading can begin inside a batch", () => {
  assert.deepEqual(
    decode(GOLDEN, BASE_OFFSET + 2).map((record) => record.offset - BASE_OFFSET),
    [2, 3],
  );
});

test("a text of any length and script survives, at every width of a length", () => {
  const letters = ["a", "ü", "€", "🎉", "\u0000"];
  let checked = 0;
  for (const length of [0, 1, 20, 39, 40, 41, 62, 63, 64, 65, 127, 128, 4090, 8191, 8192, 20_000]) {
    for (const letter of letters) {
      const text = "a".repeat(Math.max(0, length - 1)) + letter.repeat(Math.min(1, length));
      const whole = letter.repeat(length);
      for (const key of [text, whole]) {
        const record: AppendRecord = { key, headers: [[key, key]], value: Buffer.from(key) };
        assert.deepEqual(
          decode(
            encode([
              [record, 0],
              [record, 1],
            ]),
          ).map(({ key: read, headers }) => [read, headers]),
          [
            [key, [[key, key]]],
            [key, [[key, key]]],
          ],
        );
        checked++;
      }
    }
  }
  assert.equal(checked, 160);
});

test("bytes that are not UTF-8 come back as bytes, half a surrogate as a replacement", () => {
  const records = decode(
    encode([[{ key: Buffer.of(0xc3, 0x28), headers: [["h", "\ud800"]], value: null }, 0]]),
  );
  assert.deepEqual(records[0]!.key, Buffer.of(0xc3, 0x28));
  assert.deepEqual(records[0]!.headers, [["h", "\ufffd"]]);
});

test("a batch of an unknown codec, or one that its codec cannot read, is one record in its place", () => {
  const reasons = ["", "malformed gzip", "malformed snappy", "malformed lz4", "malformed zstd"];
  for (const [codec, reason] of [...reasons, "codec 5", "codec 6", "codec 7"].entries()) {
    if (codec === 0) continue;
    const batch = withHeader((bytes) => bytes.writeInt16BE(codec, AT.attributes));
    assert.ok(isUnreadable(batch, new RegExp(reason)), reason);
  }
});

test("a batch that becomes too large is one record in its place, cut to a message's size", () => {
  const noise = gzipSync(createSeededRandom(1).bytes(2 ** 20));
  const bomb = gzipSync(Buffer.alloc(CONTENTS_BYTES_MAX));
  const batch = Buffer.concat([GOLDEN.subarray(0, AT.records), noise, bomb]);
  batch.writeInt32BE(batch.length - 12, AT.length);
  batch.writeInt16BE(1, AT.attributes);
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
  const [record] = decode(batch);
  assert.match(String(record!.headers[0]![1]), /more than 33554432 bytes/);
  const { value, headers } = record!;
  assert.equal(value!.length + headers[0]!.join("").length, LIMITS.messageBytesMax);
});

test("offsets that fall, repeat or leave the batch make it unreadable", () => {
  const plain = { key: null, headers: [], value: null };
  for (const delta of [0, 0x03, 0x06]) {
    const batch = encode([
      [plain, 0],
      [plain, 0],
      [plain, 0],
    ]);
    // Each record has seven bytes: length, attributes, time, offset, key, value, headers.
    batch[AT.records + 7 + 3] = delta;
    batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
    assert.ok(isUnreadable(batch, /malformed records/), String(delta));
  }
});

test("times that no calendar knows are brought to its ends", () => {
  const times = [-1n, 2n ** 62n].map((time) => {
    const batch = withHeader((bytes) => bytes.writeBigInt64BE(time, AT.baseTimestamp));
    return decode(batch)[0]!.appendedMs;
  });
  assert.deepEqual(times, [0, 8.64e15]);
});

test("a batch is read in parts, forwards and back, as it is read at once", () => {
  const header = readBatchHeader(GOLDEN, 0)!;
  const whole = decode(GOLDEN);
  for (const countMax of [1, 2, 3]) {
    const batch = new BatchRecords(GOLDEN, 0, header);
    for (let round = 0; round < 2; round++) {
      const found: LogRecord[] = [];
      for (let offset = BASE_OFFSET; offset < header.nextOffset;) {
        const { records, next } = batch.read(offset, countMax);
        assert.ok(records.length <= countMax && next > offset);
        found.push(...records);
        offset = next;
      }
      assert.deepEqual(found, whole);
    }
  }
});

test("a batch stamped by its broker bears one time", () => {
  const batch = withHeader((bytes) => bytes.writeInt16BE(8, AT.attributes));
  const times = new Set(decode(batch).map((record) => record.appendedMs));
  assert.deepEqual([...times], [START_MS + 5_000_000_000]);
});

test("records that contradict a valid checksum are never half read, wherever reading begins", () => {
  let refused = 0;
  for (let at = AT.records; at < GOLDEN.length; at++) {
    const batch = withHeader((bytes) => (bytes[at]! ^= 0x80));
    if (isUnreadable(batch, /malformed records/)) refused++;
  }
  assert.ok(refused > 10, `${refused} refused`);
});

test("a count of records or headers that the bytes cannot hold is refused at once", () => {
  const batch = withHeader((bytes) => bytes.writeInt32BE(2 ** 31 - 1, AT.count));
  assert.ok(isUnreadable(batch, /malformed records/));
  const endless = encode([[{ key: null, headers: [["", ""]], value: null }, 0]]);
  // The count of headers, then a name of length -1 that would lead nowhere.
  endless.set([0x7e, 0x01], endless.length - 3);
  endless.writeUInt32BE(crc32c(endless, AT.attributes), AT.crc);
  assert.ok(decode(endless)[0]!.headers[0]![0] === "millrace_unreadable");
});

test("a header with impossible numbers is none", () => {
  const broken: readonly ((bytes: Buffer) => void)[] = [
    (bytes) => bytes.writeInt32BE(20, AT.length),
    (bytes) => bytes.writeInt32BE(2 ** 30, AT.length),
    (bytes) => bytes.writeInt8(1, AT.magic),
    (bytes) => bytes.writeInt32BE(-1, AT.lastOffsetDelta),
    (bytes) => bytes.writeInt32BE(-1, AT.baseOffset),
  ];
  for (const change of broken) {
    const batch = Buffer.from(GOLDEN);
    change(batch);
    assert.equal(readBatchHeader(batch, 0), undefined);
  }
  assert.equal(readBatchHeader(GOLDEN.subarray(0, 60), 0), undefined);
});

test("headers that repeat those of the record before in part are read as they were written", () => {
  const rows: readonly AppendRecord["headers"][] = [
    [
      ["a", "1"],
      ["name", "value"],
      ["raw", Buffer.of(0xff)],
    ],
    [
      ["a", "1"],
      ["name", "value"],
      ["raw", Buffer.of(0xff)],
    ],
    [
      ["a", "12"],
      ["nape", "other"],
      ["raw", Buffer.of(0xfe)],
    ],
    [
      ["ab", "12"],
      ["names", "other"],
      ["raw", "text"],
      ["more", ""],
    ],
    [["a", "2"]],
    [
      ["ab", "1"],
      ["names", "other"],
      ["raw", "text"],
      ["more", ""],
    ],
    [],
    [
      ["more", ""],
      ["a", "1"],
      ["name", ""],
      ["more", ""],
    ],
  ];
  const records = rows.map((headers) => [{ key: null, headers, value: null }, 0] as const);
  const read = decode(encode(records)).map(({ headers }) => headers);
  assert.deepEqual(read, rows);
});

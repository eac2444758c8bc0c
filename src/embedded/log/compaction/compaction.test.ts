import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "node:path";
import { DIRECTORY, openTestLog, wireBytes, type TestLog } from "../log-stage.test.ts";
import { readBatchHeader } from "../format/batch-decoder.ts";
import { AT, TRANSACTIONAL } from "../format/batch-layout.ts";
import { compressionCodec } from "../../../codecs/compression/compression.ts";
import { crc32c } from "../format/crc32c.ts";
import { writeInt64 } from "../format/int64.ts";
import { splitBatches } from "../format/wire-batch.ts";
import type { AppendRecord, PartitionLogOptions } from "../partition-log.ts";

const HOUR_MS = 3_600_000;

function keyed(pair: string): AppendRecord {
  const [key = "", value] = pair.split("=");
  return { key, headers: [["h", key]], value: value === "" ? null : Buffer.from(value!) };
}

/** One batch for each list, which a segment of this size is full with. */
async function fill(stage: TestLog, ...batches: readonly string[]): Promise<void> {
  for (const batch of batches) {
    await stage.log.append(batch.split(" ").map(keyed)).durable;
  }
}

interface Producer {
  readonly id: number;
  readonly sequence: number;
  readonly transactional?: boolean;
  readonly codec?: number;
}

async function produce(stage: TestLog, pairs: string, producer?: Producer): Promise<number> {
  let batch = wireBytes(pairs.split(" ").map(keyed), stage.clock.now());
  if (producer?.codec !== undefined) {
    const contents = compressionCodec(producer.codec)!.compress(batch.subarray(AT.records));
    batch = Buffer.concat([batch.subarray(0, AT.records), contents]);
    batch.writeInt32BE(batch.length - 12, AT.length);
  }
  if (producer !== undefined) {
    const { id, sequence, transactional = false, codec = 0 } = producer;
    batch.writeInt16BE((transactional ? TRANSACTIONAL : 0) | codec, AT.attributes);
    if (id >= 0) {
      writeInt64(batch, AT.producerId, id);
      batch.writeInt16BE(0, AT.producerEpoch);
      batch.writeInt32BE(sequence, AT.baseSequence);
    }
  }
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
  const { firstOffset, durable } = stage.log.appendBatches(splitBatches(batch));
  await durable;
  return firstOffset;
}

async function end(stage: TestLog, producerId: number, kind: "commit" | "abort"): Promise<void> {
  const marker = { producerId, producerEpoch: 0, kind, coordinatorEpoch: 0 };
  await stage.log.appendMarker(marker).durable;
}

/** Every append fills a segment. */
const TINY: Partial<PartitionLogOptions> = { segmentBytesMax: 1, compaction: {} };

async function compact(stage: TestLog): Promise<void> {
  await stage.log.enforceRetention(stage.clock.now());
}

/** `offset:key=value` of what a reader is given, from an offset on. */
async function records({ log }: TestLog, from = log.earliest): Promise<string[]> {
  const found: string[] = [];
  for (let offset = from; offset < log.visibleEnd;) {
    const { records: read, next } = await log.read(offset, { count: 3, bytes: 1_000 });
    assert.ok(next > offset, `reading goes on from ${offset}`);
    for (const { key, value, ...record } of read) {
      assert.deepEqual(record.headers, [["h", key]]);
      assert.ok(typeof key === "string");
      const shown = value === null ? "" : Buffer.from(value).toString();
      found.push(`${record.offset}:${key}=${shown}`);
    }
    offset = next;
  }
  return found;
}

/** The batches that a client is given: `base-last` and the number of records. */
async function batches({ log }: TestLog): Promise<string[]> {
  const found: string[] = [];
  for (let offset = log.earliest; offset < log.end;) {
    const run = await log.readBatches(offset, { bytesMax: 1, endOffset: log.end });
    for (const chunk of run.chunks) {
      const header = readBatchHeader(chunk, 0)!;
      found.push(`${header.baseOffset}-${header.nextOffset - 1}:${header.count}`);
    }
    if (run.nextOffset === offset) break;
    offset = run.nextOffset;
  }
  return found;
}

test("of each key the newest record stays, at its offset", async () => {
  await using stage = await openTestLog(TINY);
  await fill(stage, "a=1 b=1", "a=2", "c=1 a=3", "b=2", "z=active");
  const bytes = stage.log.bytes;
  await compact(stage);
  const left = ["2:a=2", "3:c=1", "4:a=3", "5:b=2", "6:z=active"].slice(1);
  assert.deepEqual(await records(stage), left);
  assert.deepEqual(await batches(stage), ["3-4:2", "5-5:1", "6-6:1"]);
  assert.deepEqual([stage.log.earliest, stage.log.end], [0, 7]);
  assert.ok(stage.log.bytes < bytes);
  for (let offset = 0; offset <= 6; offset++) {
    const from = left.filter((record) => Number.parseInt(record, 10) >= offset);
    assert.deepEqual(await records(stage, offset), from, `from ${offset}`);
  }
  await stage.reopen();
  assert.deepEqual(await records(stage), left, "after a stop");
  await stage.crash();
  assert.deepEqual(await records(stage), left, "after a crash");
  assert.deepEqual(stage.entries, []);
});

test("the segment that is written is left alone, and a second round finds what is new", async () => {
  await using stage = await openTestLog(TINY);
  await fill(stage, "a=1", "a=2", "b=1");
  await compact(stage);
  assert.deepEqual(await records(stage), ["1:a=2", "2:b=1"]);
  await fill(stage, "a=3", "b=2", "x=1");
  await compact(stage);
  assert.deepEqual(await records(stage), ["3:a=3", "4:b=2", "5:x=1"]);
  assert.deepEqual(await batches(stage), ["3-3:1", "4-4:1", "5-5:1"]);
});

test("a record stays for the least lag, and is replaced after the greatest", async () => {
  const compaction = { minLagMs: HOUR_MS, maxLagMs: 3 * HOUR_MS };
  await using stage = await openTestLog({ compaction });
  const startMs = stage.clock.now();
  await fill(stage, "a=1", "a=2");
  assert.equal(stage.log.retentionDueMs, startMs + 3 * HOUR_MS);
  await stage.clock.advance(2 * HOUR_MS);
  await compact(stage);
  assert.deepEqual(await records(stage), ["0:a=1", "1:a=2"]);
  await stage.clock.advance(HOUR_MS);
  await compact(stage);
  assert.deepEqual(await records(stage), ["1:a=2"]);
});

test("a deletion removes what came before at once, and goes itself when its time has passed", async () => {
  await using stage = await openTestLog({ ...TINY, compaction: { tombstoneMs: HOUR_MS } });
  await fill(stage, "a=1", "b=1", "a=", "x=1");
  await compact(stage);
  const cleanedMs = stage.clock.now();
  assert.deepEqual(await records(stage), ["1:b=1", "2:a=", "3:x=1"]);
  const { records: read } = await stage.log.read(2, { count: 1, bytes: 1 });
  assert.equal(read[0]!.appendedMs, cleanedMs, "its time is its own");
  assert.equal(stage.log.retentionDueMs, cleanedMs + HOUR_MS);
  await stage.reopen();
  assert.equal(stage.log.retentionDueMs, cleanedMs + HOUR_MS, "also after a stop");
  await stage.clock.advance(HOUR_MS - 1);
  await compact(stage);
  assert.equal((await records(stage)).length, 3);
  await stage.clock.advance(1);
  await compact(stage);
  assert.deepEqual(await records(stage), ["1:b=1", "3:x=1"]);
  assert.equal(stage.log.retentionDueMs, Infinity);
});

test("a deletion stays where damage may hide what it deletes", async () => {
  await using stage = await openTestLog({ ...TINY, compaction: { tombstoneMs: 1 } });
  await fill(stage, "a=1", "b=1", "a=", "x=1");
  const first = join(DIRECTORY, "00000000000000000000.log");
  stage.disk.files.get(first)!.bytes[70]! ^= 1;
  await compact(stage);
  await stage.clock.advance(HOUR_MS);
  await compact(stage);
  assert.deepEqual(await records(stage, 1), ["1:b=1", "2:a=", "3:x=1"]);
  await assert.rejects(records(stage), { code: "LOG_DAMAGED" });
});

test("keys that do not fit at one time are compared in several rounds", async () => {
  for (const compactionKeysMax of [1, 2, 3, 7]) {
    await using stage = await openTestLog({
      ...TINY,
      compactionKeysMax,
      compaction: { tombstoneMs: 1 },
    });
    const keys = Array.from({ length: 12 }, (_, n) => `k${n}`);
    await fill(stage, keys.map((key) => `${key}=1`).join(" "));
    await fill(stage, keys.map((key) => `${key}=2`).join(" "), "k3= k4=3", "x=1");
    await compact(stage);
    const kept = keys.flatMap((key, n) => (n === 3 || n === 4 ? [] : [`${n + 12}:${key}=2`]));
    const left = [...kept, "24:k3=", "25:k4=3", "26:x=1"];
    assert.deepEqual(await records(stage), left, `${compactionKeysMax} keys`);
    await stage.clock.advance(10);
    await compact(stage);
    assert.deepEqual(
      await records(stage),
      left.filter((record) => record !== "24:k3="),
    );
  }
});

test("records without a key go", async () => {
  await using stage = await openTestLog(TINY);
  await stage.log.append([{ key: null, headers: [], value: Buffer.from("x") }]).durable;
  await fill(stage, "a=1", "b=1");
  await compact(stage);
  assert.deepEqual(await records(stage), ["1:a=1", "2:b=1"]);
});

test("a batch keeps its codec, and offsets within it", async () => {
  for (const codec of [1, 2, 3, 4]) {
    await using stage = await openTestLog(TINY);
    await produce(stage, "a=1 b=1 c=1 a=2", { id: -1, sequence: -1, codec });
    await fill(stage, "b=2", "x=1");
    await compact(stage);
    assert.deepEqual(await records(stage), ["2:c=1", "3:a=2", "4:b=2", "5:x=1"]);
    const run = await stage.log.readBatches(0, { bytesMax: 1, endOffset: 9 });
    const header = readBatchHeader(run.chunks[0]!, 0)!;
    assert.deepEqual(
      [header.attributes, header.baseOffset, header.nextOffset, header.count],
      [codec, 0, 4, 2],
    );
  }
});

test("a batch that nobody can read stays as it is", async () => {
  await using stage = await openTestLog(TINY);
  await produce(stage, "a=1", { id: -1, sequence: -1 });
  const { durable } = stage.log.appendBatches(splitBatches(unreadable()));
  await durable;
  await fill(stage, "a=2", "x=1");
  await compact(stage);
  const { records: read } = await stage.log.read(0, { count: 1, bytes: 1 });
  assert.deepEqual(
    [read, (await stage.log.read(1, { count: 9, bytes: 1 })).records.length],
    [[], 1],
  );
  assert.deepEqual(await records(stage, 2), ["2:a=2", "3:x=1"]);
});

function unreadable(): Buffer {
  const batch = wireBytes([keyed("a=0")]);
  batch.writeInt16BE(6, AT.attributes);
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
  return batch;
}

test("a producer's last batch stays, if need be empty, and its sequence goes on", async () => {
  await using stage = await openTestLog(TINY);
  await produce(stage, "a=1 b=1", { id: 7, sequence: 0 });
  await produce(stage, "a=2 b=2", { id: 7, sequence: 2 });
  await fill(stage, "a=3 b=3", "x=1");
  await compact(stage);
  assert.deepEqual(await batches(stage), ["2-3:0", "4-5:2", "6-6:1"]);
  assert.deepEqual(await records(stage), ["4:a=3", "5:b=3", "6:x=1"]);
  // Without the snapshots the log itself must tell.
  for (const path of stage.disk.files.keys()) {
    if (path.endsWith(".producers")) stage.disk.files.delete(path);
  }
  await stage.crash();
  assert.equal(await produce(stage, "a=2 b=2", { id: 7, sequence: 2 }), 2, "a repetition");
  assert.equal(await produce(stage, "c=1", { id: 7, sequence: 4 }), 7);
});

test("what a transaction aborted goes at once, its marker after the horizon", async () => {
  await using stage = await openTestLog({ ...TINY, compaction: { tombstoneMs: HOUR_MS } });
  await fill(stage, "a=1");
  await produce(stage, "a=aborted", { id: 7, sequence: 0, transactional: true });
  await end(stage, 7, "abort");
  await produce(stage, "b=1", { id: 7, sequence: 1, transactional: true });
  await end(stage, 7, "commit");
  await fill(stage, "c=1");
  assert.equal(stage.log.retentionDueMs <= stage.clock.now(), true);
  await compact(stage);
  assert.deepEqual(await records(stage), ["0:a=1", "3:b=1", "5:c=1"]);
  assert.deepEqual(await batches(stage), ["0-0:1", "2-2:1", "3-3:1", "4-4:1", "5-5:1"]);
  await fill(stage, "d=1", "e=1", "f=1", "g=1", "h=1", "i=1");
  await compact(stage);
  await stage.clock.advance(HOUR_MS);
  await compact(stage);
  assert.deepEqual((await batches(stage)).slice(0, 3), ["0-0:1", "3-3:1", "4-4:1"]);
  await stage.crash();
  assert.deepEqual((await records(stage)).slice(0, 3), ["0:a=1", "3:b=1", "5:c=1"]);
});

test("nothing from the first open transaction on is touched", async () => {
  await using stage = await openTestLog(TINY);
  await fill(stage, "a=1", "a=2");
  await produce(stage, "a=3", { id: 7, sequence: 0, transactional: true });
  await fill(stage, "b=1", "b=2", "x=1");
  await compact(stage);
  assert.deepEqual(await batches(stage), ["1-1:1", "2-2:1", "3-3:1", "4-4:1", "5-5:1"]);
  await end(stage, 7, "commit");
  await fill(stage, "y=1", "z=1");
  await compact(stage);
  assert.deepEqual((await records(stage)).slice(0, 2), ["2:a=3", "4:b=2"]);
});

test("a reader that is inside a segment while it is swapped reads on", async () => {
  await using stage = await openTestLog({ ...TINY, segmentBytesMax: 20_000 });
  for (let n = 0; n < 300; n++) await fill(stage, `a=${n} k${n}=${"v".repeat(100)}`);
  const slow = stage.log.read(5, { count: 1_000, bytes: 10_000 });
  const runs = stage.log.readBatches(5, { bytesMax: 10_000, endOffset: 600 });
  const search = stage.log.offsetAt(0);
  await compact(stage);
  assert.ok((await slow).records.length > 50);
  assert.ok((await runs).bytes > 5_000);
  assert.equal(await search, 0);
  const left = await records(stage);
  assert.ok(left.length < 400, `${left.length} of 600 are left`);
  assert.equal(left.filter((record) => /:k\d+=/.test(record)).length, 300);
});

test("closing ends a compaction that is under way, and nothing is left of it", async () => {
  const stage = await openTestLog({ ...TINY, segmentBytesMax: 20_000 });
  for (let n = 0; n < 300; n++) await fill(stage, `a=${n} k${n}=${"v".repeat(100)}`);
  const compacting = compact(stage);
  await stage.log.close();
  await compacting;
  const names = [...stage.disk.files.keys()];
  assert.deepEqual(
    names.filter((name) => name.endsWith(".clean")),
    [],
  );
  await stage.reopen();
  assert.equal((await records(stage)).filter((record) => /:k\d+=/.test(record)).length, 300);
  await stage.log.close();
});

test("retention goes on beside compaction", async () => {
  await using stage = await openTestLog({ ...TINY, retention: { count: 3 } });
  await fill(stage, "a=1", "a=2", "b=1", "c=1", "d=1", "e=1");
  await compact(stage);
  assert.deepEqual(await records(stage), ["3:c=1", "4:d=1", "5:e=1"]);
});

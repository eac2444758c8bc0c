import assert from "node:assert/strict";
import { test } from "node:test";
import { splitBatches } from "./format/wire-batch.ts";
import { openTestLog, text, texts, wireBatches, wireBytes } from "./log-stage.test.ts";

const ALL = { bytesMax: 1_000_000, endOffset: Number.MAX_SAFE_INTEGER };

test("batches of clients and records of this process share one order of offsets", async () => {
  await using bench = await openTestLog();
  const { log } = bench;
  const appends = [
    log.append([text("a")]),
    log.appendBatches(wireBatches("b", "c")),
    log.append([text("d")]),
  ];
  await Promise.all(appends.map(({ durable }) => durable));
  assert.deepEqual(
    appends.map(({ firstOffset }) => firstOffset),
    [0, 1, 3],
  );
  assert.deepEqual(await texts(log), ["0:a", "1:b", "2:c", "3:d"]);
  await bench.crash();
  assert.deepEqual(await texts(bench.log), ["0:a", "1:b", "2:c", "3:d"]);
});

test("a batch comes back byte for byte, but for its offset and epoch", async () => {
  await using bench = await openTestLog();
  await bench.append("before");
  const sent = Buffer.from(wireBytes([text("a", "k"), text("b")]));
  await bench.log.appendBatches(splitBatches(Buffer.from(sent))).durable;
  const { chunks, nextOffset } = await bench.log.readBatches(1, ALL);
  const found = Buffer.concat(chunks);
  assert.equal(found.readBigInt64BE(0), 1n);
  assert.deepEqual(found.subarray(16), sent.subarray(16));
  assert.equal(nextOffset, 3);
});

test("a read inside a batch returns the whole batch, a small limit still the first one", async () => {
  await using bench = await openTestLog();
  for (const name of ["a", "b", "c"]) {
    await bench.log.appendBatches(wireBatches(`${name}0`, `${name}1`)).durable;
  }
  const one = wireBytes([text("a0"), text("a1")]).length;
  const from = async (offset: number, bytesMax: number): Promise<[number, number]> => {
    const run = await bench.log.readBatches(offset, { ...ALL, bytesMax });
    const bytes = Buffer.concat(run.chunks);
    assert.equal(bytes.length, run.bytes);
    return [run.bytes / one, run.nextOffset];
  };
  assert.deepEqual(await from(3, 1), [1, 4]);
  assert.deepEqual(await from(3, 2 * one - 1), [1, 4]);
  assert.deepEqual(await from(3, 2 * one), [2, 6]);
  assert.deepEqual(await from(0, 1e6), [3, 6]);
  assert.deepEqual(await from(6, 1e6), [0, 6]);
});

test("a run reads once, and nothing of the batch that is left out", async () => {
  await using bench = await openTestLog();
  const value = "x".repeat(10_000);
  for (let batch = 0; batch < 10; batch++) {
    await bench.log.appendBatches(wireBatches(value)).durable;
  }
  for (const [bytesMax, count] of [
    [35_000, 3],
    [1_000_000, 10],
  ] as const) {
    const taken: number[] = [];
    const take = (bytes: number): Buffer => {
      taken.push(bytes);
      return Buffer.alloc(bytes);
    };
    const run = await bench.log.readBatches(0, { ...ALL, bytesMax, take });
    assert.equal(run.nextOffset, count);
    assert.deepEqual(taken, [Math.min(bytesMax, bench.log.bytes)]);
  }
});

test("nothing beyond the end that the reader may see is returned", async () => {
  await using bench = await openTestLog();
  await bench.log.appendBatches(wireBatches("a")).durable;
  await bench.log.appendBatches(wireBatches("b", "c")).durable;
  const run = await bench.log.readBatches(0, { ...ALL, endOffset: 1 });
  assert.equal(run.nextOffset, 1);
});

test("a reader who follows from run to run sees every batch once, over segments", async () => {
  await using bench = await openTestLog({ segmentBytesMax: 4096 });
  const sent: Buffer[] = [];
  for (let at = 0; at < 300; at++) {
    const bytes = wireBytes([text(`value ${at}`)]);
    sent.push(Buffer.from(bytes.subarray(16)));
    await bench.log.appendBatches(splitBatches(bytes)).durable;
  }
  const found: Buffer[] = [];
  for (let offset = 0; offset < bench.log.end;) {
    const run = await bench.log.readBatches(offset, { ...ALL, bytesMax: 500 });
    for (const { bytes } of splitBatches(Buffer.concat(run.chunks))) found.push(bytes.subarray(16));
    offset = run.nextOffset;
  }
  assert.equal(found.length, 300);
  assert.deepEqual(Buffer.concat(found), Buffer.concat(sent));
});

test("times that clients give may fall, and a look-up by time still finds the first", async () => {
  await using bench = await openTestLog();
  for (const timeMs of [5_000, 9_000, 2_000, 7_000]) {
    await bench.log.appendBatches(splitBatches(wireBytes([text("x")], timeMs))).durable;
  }
  const places = [1_000, 5_001, 9_000, 9_001].map((timeMs) => bench.log.offsetAt(timeMs));
  assert.deepEqual(await Promise.all(places), [0, 1, 1, 4]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { wireBatches, openTestLog } from "../log-stage.test.ts";
import type { Disk } from "../disk.ts";

/** What was read from files since it was asked last. */
function countReads(disk: Disk): { readonly disk: Disk; taken(): number } {
  let bytes = 0;
  return {
    disk: {
      ...disk,
      async open(path, options) {
        const file = await disk.open(path, options);
        const read = file.read.bind(file);
        file.read = (position, length) => {
          bytes += length;
          return read(position, length);
        };
        return file;
      },
    },
    taken() {
      const taken = bytes;
      bytes = 0;
      return taken;
    },
  };
}

const LARGE_BYTES = 100_000;

async function openLargeBatches(count: number) {
  let reads: ReturnType<typeof countReads> | undefined;
  const bench = await openTestLog({
    segmentBytesMax: 2 ** 24,
    wrap: (disk) => (reads = countReads(disk)).disk,
  });
  const { log } = bench;
  for (let at = 0; at < count; at++) {
    await log.appendBatches(wireBatches("x".repeat(LARGE_BYTES))).durable;
  }
  // The first read of a segment builds its index, which passes over all of it.
  const all = { bytesMax: 1, endOffset: log.end };
  const { bytes: batchBytes } = await log.readBatches(0, all);
  reads!.taken();
  return {
    log,
    batchBytes,
    taken: () => reads!.taken(),
    [Symbol.asyncDispose]: () => bench[Symbol.asyncDispose](),
  };
}

test("a run takes no more memory than its limit, and nothing for a batch that does not fit", async () => {
  await using bench = await openLargeBatches(8);
  const { log, batchBytes } = bench;
  for (const bytesMax of [batchBytes, 2 * batchBytes + 100, Math.floor(3.5 * batchBytes)]) {
    const run = await log.readBatches(0, { bytesMax, endOffset: log.end });
    assert.equal(run.bytes, Math.floor(bytesMax / batchBytes) * batchBytes);
    const taken = bench.taken();
    assert.ok(taken < bytesMax + batchBytes, `${taken} bytes were read for ${bytesMax}`);
  }
});

test("a first batch beyond its bound is told with its size, and not read", async () => {
  await using bench = await openLargeBatches(2);
  const { log, batchBytes } = bench;
  const limits = { bytesMax: 1_000, endOffset: log.end };
  const told = await log.readBatches(1, { ...limits, firstBytesMax: batchBytes - 1 });
  assert.deepEqual([told.bytes, told.neededBytes, told.nextOffset], [0, batchBytes, 1]);
  assert.ok(bench.taken() <= 2 * limits.bytesMax);
  const whole = await log.readBatches(1, { ...limits, firstBytesMax: batchBytes });
  assert.deepEqual([whole.bytes, whole.neededBytes, whole.nextOffset], [batchBytes, 0, 2]);
});

test("to find a batch behind large ones their headers are read, and little else", async () => {
  let reads: ReturnType<typeof countReads> | undefined;
  await using bench = await openTestLog({
    segmentBytesMax: 2 ** 24,
    wrap: (disk) => (reads = countReads(disk)).disk,
  });
  const values = ["a", "x".repeat(LARGE_BYTES)];
  for (let at = 0; at < 40; at++) {
    for (const value of values) await bench.log.appendBatches(wireBatches(value)).durable;
  }
  await bench.reopen();
  reads!.taken();
  const { log } = bench;
  for (const offset of [79, 78, 0, 1, 40, 41]) {
    const run = await log.readBatches(offset, { bytesMax: 2 * LARGE_BYTES, endOffset: offset + 1 });
    assert.equal(run.nextOffset, offset + 1);
  }
  const taken = reads!.taken();
  assert.ok(taken < 15 * LARGE_BYTES, `${taken} bytes were read`);
});

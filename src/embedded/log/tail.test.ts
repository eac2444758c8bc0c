import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk } from "./disk.ts";
import { openTestLog, text, texts, type TestLog } from "./log-stage.test.ts";

/** Counts the reads of log files. */
function countReads(): { readonly reads: { count: number }; readonly wrap: (disk: Disk) => Disk } {
  const reads = { count: 0 };
  const wrap = (disk: Disk): Disk => ({
    ...disk,
    async open(path, options) {
      const file = await disk.open(path, options);
      const read = file.read.bind(file);
      file.read = (position, length) => {
        if (path.endsWith(".log")) reads.count++;
        return read(position, length);
      };
      return file;
    },
  });
  return { reads, wrap };
}

const valuesFrom = async (
  { log }: TestLog,
  offset: number,
  count: number,
): Promise<readonly string[]> =>
  (await log.read(offset, { count, bytes: 1_000_000 })).records.map(
    (record) => `${record.offset}:${Buffer.from(record.value ?? []).toString()}`,
  );

test("a reader that waited at the end gets the group without a read of the file", async () => {
  const { reads, wrap } = countReads();
  await using bench = await openTestLog({ wrap });
  await bench.append("before");
  const arrived = bench.log.waitFor(1, new AbortController().signal);
  await bench.log.append([text("one"), text("two")]).durable;
  await arrived;
  reads.count = 0;
  assert.deepEqual(await valuesFrom(bench, 1, 10), ["1:one", "2:two"]);
  assert.deepEqual(await valuesFrom(bench, 2, 10), ["2:two"]);
  assert.deepEqual(await valuesFrom(bench, 1, 1), ["1:one"], "no more than asked for");
  assert.equal(reads.count, 0);
});

test("a group of several batches stays within the reader's limits", async () => {
  await using bench = await openTestLog();
  const arrived = bench.log.waitFor(0, new AbortController().signal);
  const half = "x".repeat(40_000);
  const appended = [half, half, half].map((value) => bench.log.append([text(value)]).durable);
  await Promise.all([arrived, ...appended]);
  const { records } = await bench.log.read(0, { count: 10, bytes: 50_000 });
  assert.deepEqual(
    records.map(({ offset }) => offset),
    [0, 1],
  );
});

test("what nobody waited for, or stands before the newest group, comes from the file", async () => {
  const { reads, wrap } = countReads();
  await using bench = await openTestLog({ wrap });
  const arrived = bench.log.waitFor(0, new AbortController().signal);
  await bench.append("zero");
  await arrived;
  await bench.append("one");
  reads.count = 0;
  assert.deepEqual(await texts(bench.log), ["0:zero", "1:one"]);
  assert.ok(reads.count > 0);
});

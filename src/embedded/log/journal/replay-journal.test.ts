import assert from "node:assert/strict";
import { test } from "node:test";
import { createMemoryDisk, type MemoryDisk } from "../disks/memory-disk.ts";
import { oneOf } from "../disks/power-cut-stage.test.ts";
import { texts } from "../log-stage.test.ts";
import { JOURNAL_PATH, killed, openPartitions } from "./journal-stage.test.ts";

const LOG = "00000000000000000000.log";
const ROOMY = { settings: { halfBytes: 16_384 } };

/** Three partitions of four records each, of which all but the first stand in the journal. */
async function crashed(): Promise<MemoryDisk> {
  const disk = createMemoryDisk();
  const opened = await openPartitions(disk, ROOMY);
  await opened.round("v0", 0, 1, 2);
  await opened.environment.clock.settle();
  for (const value of ["v1", "v2", "v3"]) await opened.round(value, 0, 1, 2);
  return killed(disk);
}

const ALL = ["0:v0", "1:v1", "2:v2", "3:v3"];

/** Bytes of the segment that no sync had brought there. */
function loseUnsynced(disk: MemoryDisk, partition: number): void {
  const contents = disk.files.get(`/data/${partition}/${LOG}`)!;
  contents.truncate(contents.size / 4);
}

test("what segments lack comes from the journal, which is gone then", async () => {
  const disk = await crashed();
  for (const partition of [0, 1, 2]) loseUnsynced(disk, partition);
  await using opened = await openPartitions(disk, ROOMY);
  for (const log of opened.logs) assert.deepEqual(await texts(log), ALL);
  assert.equal(disk.files.has(JOURNAL_PATH), false);
  const told = opened.environment.entries.map((entry) => entry.text);
  assert.deepEqual(told, ["replayed the commit journal"]);
});

test("bytes that have rotted since are mended from the journal", async () => {
  const disk = await crashed();
  const { bytes } = disk.files.get(`/data/1/${LOG}`)!;
  for (let at = bytes.length / 4; at < bytes.length; at += 7) bytes[at]! ^= 0x40;
  await using opened = await openPartitions(disk, ROOMY);
  for (const log of opened.logs) assert.deepEqual(await texts(log), ALL);
});

test("entries of a log that was deleted, or of a segment that is gone, are passed over", async () => {
  const disk = await crashed();
  for (const path of Array.from(disk.files.keys()))
    if (path.startsWith("/data/1/")) disk.files.delete(path);
  disk.directories.delete("/data/1");
  await using opened = await openPartitions(disk, ROOMY);
  assert.deepEqual(await texts(opened.logs[0]!), ALL);
  assert.equal(opened.logs[1]!.end, 0);
});

test("a journal that comes back after an orderly stop changes nothing", async () => {
  const disk = createMemoryDisk();
  const opened = await openPartitions(disk, { ...ROOMY, segmentBytesMax: 200 });
  await opened.round("v0", 0, 1, 2);
  await opened.environment.clock.settle();
  for (let at = 1; at < 9; at++) await opened.round(`v${at}`, 0, 1, 2);
  await opened.logs[0]!.trimBefore(4);
  const journal = disk.files.get(JOURNAL_PATH)!;
  await opened[Symbol.asyncDispose]();
  const before = [...disk.files].map(([path, { bytes }]) => [path, Buffer.from(bytes)]);
  disk.files.set(JOURNAL_PATH, journal);
  await using again = await openPartitions(disk, { ...ROOMY, segmentBytesMax: 200 });
  assert.equal(again.logs[1]!.end, 9);
  assert.deepEqual(
    [...disk.files].map(([path, { bytes }]) => [path, Buffer.from(bytes)]),
    before,
  );
});

test("a damaged entry before an intact one is told, kept, and no record is cut for it", async () => {
  const disk = await crashed();
  const { bytes } = disk.files.get(JOURNAL_PATH)!;
  // The second of three entries: its table, then in another copy its batches.
  const inTable = killed(disk);
  inTable.files.get(JOURNAL_PATH)!.bytes[512 + 512 + 50]! ^= 1;
  const text = Buffer.from(bytes);
  for (let at = text.indexOf("v2"); at >= 0; at = text.indexOf("v2", at + 1)) bytes[at]! ^= 1;
  for (const damaged of [disk, inTable]) {
    loseUnsynced(damaged, 0);
    await using opened = await openPartitions(damaged, ROOMY);
    const errors = opened.environment.entries.filter(({ level }) => level === "error");
    assert.match(errors[0]!.text, /the commit journal is damaged \(entry 2 /);
    assert.ok([...damaged.files.keys()].some((path) => path.endsWith("journal.3.damaged")));
    assert.equal(opened.logs[0]!.end, 4, "what was acknowledged behind the hole is there");
    assert.match(opened.logs[0]!.stopped!, /offsets 2 to 2 .* are damaged/);
    assert.deepEqual(await texts(opened.logs[1]!), ALL, "its segment has all of it");
    assert.equal(opened.logs[1]!.stopped, undefined);
  }
});

test("a journal that a crash left half-made is removed", async () => {
  const disk = await crashed();
  disk.files.set(`${JOURNAL_PATH}.new`, disk.files.get(JOURNAL_PATH)!);
  disk.files.delete(JOURNAL_PATH);
  await using opened = await openPartitions(disk, ROOMY);
  for (const log of opened.logs) assert.deepEqual(await texts(log), ALL);
  assert.ok(![...disk.files.keys()].some((path) => path.startsWith(JOURNAL_PATH)));
});

/** Where something was written: the head and each entry, without the zeros behind them. */
function writtenBits(journal: Uint8Array): readonly number[] {
  const bits: number[] = [];
  for (let at = 0; at < journal.length; at += 512) {
    const end = journal.subarray(at, at + 512).findLastIndex((byte) => byte !== 0);
    for (let bit = 0; bit <= end * 8 + 7; bit++) bits.push(at * 8 + bit);
  }
  return bits;
}

test("no flipped bit of a crashed directory's journal is served, and what is lost by it is told", async (t) => {
  const truth = await crashed();
  // The segments have what was synced before the journal was there; the rest is in it alone.
  for (const partition of [0, 1, 2]) loseUnsynced(truth, partition);
  const journal = truth.files.get(JOURNAL_PATH)!.bytes;
  const bits = writtenBits(journal);
  const newestAt = Buffer.from(journal).lastIndexOf("MRJE") * 8;
  const step = oneOf(31);
  let [flips, mended, told, torn] = [0, 0, 0, 0];
  for (let at = 0; at < bits.length; at += step) {
    const bit = bits[at]!;
    const disk = killed(truth);
    disk.files.get(JOURNAL_PATH)!.bytes[bit >>> 3]! ^= 1 << (bit & 7);
    await using opened = await openPartitions(disk, ROOMY);
    flips++;
    let lost = 0;
    for (const log of opened.logs) {
      const found = await texts(log).catch(() => texts(log, log.end));
      for (const line of found) assert.ok(ALL.includes(line), `bit ${bit}: ${line} was served`);
      lost += ALL.length - found.length;
    }
    const errors = opened.environment.entries.filter(({ level }) => level === "error");
    if (lost === 0) mended++;
    else if (errors.length > 0) told++;
    else {
      // The newest entry looks as if the power had cut it short; no more than that goes.
      assert.ok(bit >= newestAt, `bit ${bit}: ${lost} lost and not told`);
      assert.ok(opened.logs.every((log) => log.end === 3 && log.stopped === undefined));
      torn++;
    }
  }
  assert.ok(told > 0 && torn > 0, `${told} told, ${torn} torn`);
  t.diagnostic(`${flips} flips: ${mended} without loss, ${told} told, ${torn} as a torn end`);
});

/** Power cuts at every step of a compaction: newest records stay, and nothing old comes back. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestEnvironment } from "../../../testing/environment.ts";
import type { Disk } from "../disk.ts";
import { createMemoryDisk, type MemoryDisk } from "../disks/memory-disk.ts";
import { enumeratePowerCuts, PowerCutBroke, type PowerCutCounts } from "../disks/power-cut.ts";
import { oneOf, STATES_MIN } from "../disks/power-cut-stage.test.ts";
import { withoutSyncs } from "../disks/recording-disk.ts";
import { DIRECTORY } from "../log-stage.test.ts";
import { openLogEnvironment, openPartitionLog, type PartitionLog } from "../open-log.ts";
import type { PartitionLogOptions } from "../partition-log.ts";

const TOMBSTONE_MS = 1_000;
const OPTIONS: PartitionLogOptions = {
  directory: DIRECTORY,
  durability: { mode: "fsync" },
  retention: {},
  segmentBytesMax: 1,
  compaction: { tombstoneMs: TOMBSTONE_MS },
};

/** An acknowledged record; its offset is its number. Null is a deletion. */
interface Note {
  readonly key: string;
  readonly value: string | null;
}

async function openOn(disk: Disk, startMs: number): Promise<PartitionLog> {
  const { clock, log } = createTestEnvironment({ startMs });
  await disk.makeDirectory("/data");
  const shared = { disk, clock, log, directory: "/data", freeBytesMin: 0 };
  return openPartitionLog(await openLogEnvironment(shared), OPTIONS);
}

interface Found {
  readonly offset: number;
  readonly key: string;
  readonly value: string | null;
}

async function everything(log: PartitionLog): Promise<Found[]> {
  const found: Found[] = [];
  for (let offset = log.earliest; offset < log.visibleEnd;) {
    const { records, next } = await log.read(offset, { count: 100, bytes: 100_000 });
    assert.ok(next > offset);
    for (const { offset: at, key, value } of records) {
      assert.ok(typeof key === "string");
      found.push({ offset: at, key, value: value === null ? null : Buffer.from(value).toString() });
    }
    offset = next;
  }
  return found;
}

const START_MS = 1_735_689_600_000;

async function recoverAndCheck(disk: MemoryDisk, notes: readonly Note[]): Promise<void> {
  const environment = createTestEnvironment({ startMs: START_MS });
  await disk.makeDirectory("/data");
  const { clock, log: facts } = environment;
  const shared = { disk, clock, log: facts, directory: "/data", freeBytesMin: 0 };
  const log = await openPartitionLog(await openLogEnvironment(shared), OPTIONS);
  await check(log, notes);
  // What was cut short is done again, and ends well.
  await clock.advance(TOMBSTONE_MS);
  await log.enforceRetention(clock.now());
  await check(log, notes);
  assert.equal(log.stopped, undefined);
  const problems = environment.entries.filter(({ level }) => level === "error");
  assert.deepEqual(problems, [], "no damage");
  assert.deepEqual(
    [...disk.files.keys()].filter((name) => name.endsWith(".clean")),
    [],
  );
  await log.close();
}

async function check(log: PartitionLog, notes: readonly Note[]): Promise<void> {
  const found = await everything(log);
  for (const { offset, key, value } of found) assert.deepEqual({ key, value }, notes[offset]);
  const last = new Map(found.map((record) => [record.key, record.offset]));
  for (const [key, offset] of new Map(notes.map((note, at) => [note.key, at] as const))) {
    const kept = last.get(key);
    if (kept === offset) continue;
    assert.equal(kept, undefined, `${kept} of ${key} came back, behind which was ${offset}`);
    assert.equal(notes[offset]!.value, null, `${key} at ${offset} is lost`);
  }
  assert.equal(log.end, notes.length);
}

/** Lives before the power cuts, each with its appends and a compaction at its end, and the last one. */
async function cutCompaction(
  lives: readonly (readonly string[])[],
  {
    wrap = (disk) => disk,
    stride = oneOf(17),
  }: { readonly wrap?: (disk: Disk) => Disk; readonly stride?: number } = {},
): Promise<PowerCutCounts> {
  const start = createMemoryDisk();
  const notes: Note[] = [];
  let nowMs = START_MS;
  for (const [index, pairs] of lives.entries()) {
    const log = await openOn(start, nowMs);
    for (const pair of pairs) {
      const [key = "", text = ""] = pair.split("=");
      const value = text === "" ? null : text;
      const bytes = value === null ? null : Buffer.from(value);
      await log.append([{ key, headers: [], value: bytes }]).durable;
      notes.push({ key, value });
    }
    if (index < lives.length - 1) await log.enforceRetention(nowMs);
    await log.close();
    nowMs += TOMBSTONE_MS;
  }
  return enumeratePowerCuts({
    start,
    stride,
    async workload(disk) {
      const log = await openOn(wrap(disk), nowMs);
      const { bytes } = log;
      await log.enforceRetention(nowMs);
      assert.ok(log.bytes < bytes, "something was compacted");
      await log.close();
    },
    check: (disk) => recoverAndCheck(disk, notes),
  });
}

async function report(name: string, run: Promise<PowerCutCounts>): Promise<void> {
  const { steps, states } = await run;
  console.log(`power cut, ${name}: ${states} states of ${steps} steps, no newest record lost`);
  assert.ok(states > STATES_MIN, `only ${states} states`);
}

const DELETION: readonly string[] = ["a=1", "a=", "b=1"];

test("a power cut at any step of a compaction loses no newest record and brings nothing old back", async () => {
  await report("compaction", cutCompaction([DELETION]));
});

test("a power cut while a deletion goes at last brings back nothing that it deleted", async () => {
  await report("compaction, again", cutCompaction([DELETION, ["b=2", "b=3"]]));
});

test("a compaction that syncs nothing loses: the enumeration can see it", async () => {
  await assert.rejects(cutCompaction([DELETION], { wrap: withoutSyncs, stride: 1 }), PowerCutBroke);
});

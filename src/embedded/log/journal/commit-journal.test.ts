import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk, DiskFile } from "../disk.ts";
import { createMemoryDisk, systemError } from "../disks/memory-disk.ts";
import { text, texts } from "../log-stage.test.ts";
import {
  JOURNAL_PATH,
  killed,
  openPartitions,
  withFiles,
  type Partitions,
} from "./journal-stage.test.ts";

/** Counts synced writes to the journal, and can hold them or let them fail. */
function watched(disk: Disk) {
  const watch = {
    entries: 0,
    fail: undefined as "EIO" | "ENOSPC" | undefined,
    hold: undefined as Promise<void> | undefined,
    disk,
  };
  watch.disk = withFiles(disk, JOURNAL_PATH, (file: DiskFile) => ({
    async writeSynced(buffers, position) {
      watch.entries++;
      const { fail } = watch;
      if (fail === "ENOSPC") watch.fail = undefined;
      await file.writeSynced(buffers, position);
      await watch.hold;
      if (fail !== undefined) throw systemError(fail, "write");
    },
  }));
  return watch;
}

/** The journal is there. */
async function meet(partitions: Partitions): Promise<void> {
  await partitions.round("first", 0, 1);
  await partitions.environment.clock.settle();
}

test("a partition that is alone makes no journal, and goes back to the direct way when it is again", async () => {
  const disk = createMemoryDisk();
  const watch = watched(disk);
  await using opened = await openPartitions(watch.disk, { settings: { halfBytes: 16_384 } });
  for (let at = 0; at < 20; at++) await opened.round("alone", 0);
  assert.equal(disk.files.has(JOURNAL_PATH), false);
  await meet(opened);
  await opened.round("together", 0, 1);
  assert.equal(watch.entries, 1);
  for (let at = 0; at < 20; at++) await opened.round("alone", 0);
  const entries = watch.entries;
  await opened.round("alone", 0);
  assert.equal(watch.entries, entries);
});

test("an orderly stop leaves no journal, and segments that are whole by themselves", async () => {
  const disk = createMemoryDisk();
  const opened = await openPartitions(disk);
  await meet(opened);
  for (let at = 0; at < 7; at++) await opened.round(`v${at}`, 0, 1, 2);
  assert.ok(disk.files.has(JOURNAL_PATH));
  await opened[Symbol.asyncDispose]();
  assert.equal(disk.files.has(JOURNAL_PATH), false);
  await using again = await openPartitions(disk);
  assert.deepEqual(again.environment.entries, []);
  assert.deepEqual(
    again.logs.map((log) => log.end),
    [8, 8, 7],
  );
});

test("groups that are handed over while an entry is on its way share the next one", async () => {
  const watch = watched(createMemoryDisk());
  await using opened = await openPartitions(watch.disk, { settings: { halfBytes: 8192 } });
  await meet(opened);
  const held = Promise.withResolvers<void>();
  watch.hold = held.promise;
  const first = opened.round("one", 0, 1);
  await opened.environment.clock.settle();
  assert.equal(watch.entries, 1);
  const others = [opened.round("two", 2), opened.round("two", 0, 1)];
  await opened.environment.clock.settle();
  assert.equal(watch.entries, 1, "the next one waits");
  assert.deepEqual(
    opened.logs.map((log) => log.end),
    [1, 1, 0],
    "nothing is visible before it is durable",
  );
  held.resolve();
  await Promise.all([first, ...others]);
  assert.deepEqual(await texts(opened.logs[0]!), ["0:first", "1:one", "2:two"]);
});

test("large groups, and modes that do not wait for a sync, stay out of the journal", async () => {
  const watch = watched(createMemoryDisk());
  await using opened = await openPartitions(watch.disk, { settings: { groupBytesMax: 500 } });
  await meet(opened);
  await opened.round("x".repeat(600), 0, 1);
  for (const log of opened.logs) {
    log.configure({ durability: { mode: "interval", intervalMs: 100 }, retention: {} });
  }
  await opened.round("unsynced", 0, 1, 2);
  assert.equal(watch.entries, 0);
  for (const log of opened.logs) log.configure({ durability: { mode: "fsync" }, retention: {} });
  await opened.environment.clock.settle();
  await opened.round("synced", 0, 1, 2);
  assert.ok(watch.entries > 0);
});

test("where the disk has no room for a journal, partitions are synced by themselves", async () => {
  const disk = createMemoryDisk();
  disk.capacityBytes = 40_000;
  await using opened = await openPartitions(disk, { settings: { halfBytes: 16_384 } });
  await meet(opened);
  for (let at = 0; at < 5; at++) await opened.round("v", 0, 1, 2);
  assert.equal(disk.files.has(JOURNAL_PATH), false);
  assert.deepEqual(opened.environment.entries, []);
});

test("a journal that cannot be made is no failure, and leaves nothing", async () => {
  const disk = createMemoryDisk();
  const failing = withFiles(disk, `${JOURNAL_PATH}.new`, () => ({
    sync: () => Promise.reject(systemError("EIO", "fdatasync")),
  }));
  await using opened = await openPartitions(failing);
  await meet(opened);
  await opened.round("v", 0, 1, 2);
  assert.ok(![...disk.files.keys()].some((path) => path.startsWith(JOURNAL_PATH)));
  assert.match(opened.environment.entries[0]!.text, /no commit journal could be made/);
});

test("a failed sync of the journal stops the partitions that wait for it, and no other", async () => {
  const disk = createMemoryDisk();
  const watch = watched(disk);
  const opened = await openPartitions(watch.disk);
  await meet(opened);
  await opened.round("kept", 0, 1);
  watch.fail = "EIO";
  const failed = await Promise.allSettled([opened.round("lost", 0), opened.round("lost", 1)]);
  for (const outcome of failed) {
    assert.equal(outcome.status === "rejected" && outcome.reason.code, "DISK_FAILED");
  }
  assert.ok(opened.logs[0]!.stopped && opened.logs[1]!.stopped);
  assert.throws(() => opened.logs[0]!.append([text("more")]), { code: "DISK_FAILED" });
  const { entries } = watch;
  for (let at = 0; at < 3; at++) await opened.round("goes on", 2);
  assert.equal(watch.entries, entries, "the journal is not tried again");
  await opened[Symbol.asyncDispose]();
  assert.ok(
    disk.files.has(JOURNAL_PATH),
    "it holds what the stopped partitions' segments may lack",
  );
  await using again = await openPartitions(disk);
  assert.deepEqual((await texts(again.logs[0]!)).slice(0, 2), ["0:first", "1:kept"]);
  assert.equal(again.logs[2]!.end, 3);
});

test("a full disk refuses the groups of an entry, and none of them comes back", async () => {
  const disk = createMemoryDisk();
  const watch = watched(disk);
  await using opened = await openPartitions(watch.disk);
  await meet(opened);
  watch.fail = "ENOSPC";
  const refused = await Promise.allSettled([
    opened.round("refused", 0),
    opened.round("refused", 1),
  ]);
  for (const outcome of refused) {
    assert.equal(outcome.status === "rejected" && outcome.reason.code, "DISK_FULL");
  }
  await using after = await openPartitions(killed(disk));
  assert.deepEqual(await texts(after.logs[0]!), ["0:first"]);
  await opened.round("taken", 0, 1);
  assert.deepEqual(await texts(opened.logs[1]!), ["0:first", "1:taken"]);
});

test("a half whose partition has stopped is kept, and the others go the direct way", async () => {
  const disk = createMemoryDisk();
  let broken = false;
  const failing = withFiles(disk, "/0/00000000000000000000.log", (file) => ({
    sync: () => (broken ? Promise.reject(systemError("EIO", "fdatasync")) : file.sync()),
  }));
  const opened = await openPartitions(failing);
  await meet(opened);
  await opened.round("journalled", 0, 1);
  broken = true;
  for (let at = 0; at < 9; at++) await opened.round(`v${at}`, 1, 2);
  assert.match(opened.logs[0]!.stopped!, /EIO/);
  assert.equal(opened.logs[1]!.end, 11);
  await opened[Symbol.asyncDispose]();
  assert.ok(disk.files.has(JOURNAL_PATH));
  await using again = await openPartitions(disk);
  assert.deepEqual(await texts(again.logs[0]!), ["0:first", "1:journalled"]);
});

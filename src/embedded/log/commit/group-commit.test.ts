import assert from "node:assert/strict";
import { test } from "node:test";
import type { Disk, DiskFile } from "../disk.ts";
import { systemError } from "../disks/memory-disk.ts";
import { readSidecar, readSlots } from "../format/group-boundary.ts";
import { DIRECTORY, openTestLog, text, texts } from "../log-stage.test.ts";

interface Faults {
  /** Files whose sync waits until `letGo`, by the end of their name. */
  held: string | undefined;
  /** What a sync fails with. */
  failSync: "EIO" | "ENOENT" | "EMFILE" | "ENOSPC" | undefined;
  /** The kind of the files whose syncs fail; all unless said. */
  failKind: string | undefined;
  readonly operations: string[];
  letGo(): void;
}

/** Notes writes and syncs, and can hold or fail the syncs. */
function watched(): { readonly faults: Faults; readonly wrap: (disk: Disk) => Disk } {
  const waiting: (() => void)[] = [];
  const faults: Faults = {
    held: undefined,
    failSync: undefined,
    failKind: undefined,
    operations: [],
    letGo() {
      faults.held = undefined;
      for (const resume of waiting.splice(0)) resume();
    },
  };
  const wrapFile = (file: DiskFile, kind: string): DiskFile => ({
    async writeSynced(buffers, position) {
      await this.write(buffers, position);
      await this.sync();
    },
    async write(buffers, position) {
      faults.operations.push(`write ${kind}`);
      await file.write(buffers, position);
    },
    async sync() {
      faults.operations.push(`sync ${kind}`);
      const fails = faults.failKind === undefined || faults.failKind === kind;
      if (fails && faults.failSync !== undefined) throw systemError(faults.failSync, "fdatasync");
      if (faults.held === kind) await new Promise<void>((resolve) => waiting.push(resolve));
      await file.sync();
      faults.operations.push(`synced ${kind}`);
    },
    read: (position, length) => file.read(position, length),
    truncate: (size) => file.truncate(size),
    size: () => file.size(),
    close: () => file.close(),
  });
  const wrap = (disk: Disk): Disk => ({
    ...disk,
    open: async (path, options) =>
      wrapFile(await disk.open(path, options), path.slice(path.lastIndexOf(".") + 1)),
  });
  return { faults, wrap };
}

test("appends made while a sync runs share the next one, and are not written before it ends", async () => {
  const { faults, wrap } = watched();
  await using bench = await openTestLog({ wrap });
  faults.held = "log";
  const first = bench.log.append([text("one")]).durable;
  await bench.clock.settle();
  faults.operations.length = 0;
  const rest = ["two", "three", "four"].map((value) => bench.log.append([text(value)]).durable);
  await bench.clock.settle();
  assert.equal(faults.operations.join(), "", "nothing is written while the sync runs");
  assert.equal(bench.log.end, 0);

  faults.letGo();
  await Promise.all([first, ...rest]);
  const group = faults.operations.filter((operation) => operation.endsWith("log"));
  assert.deepEqual(group, ["synced log", "write log", "sync log", "synced log"]);
  assert.deepEqual(await texts(bench.log), ["0:one", "1:two", "2:three", "3:four"]);
});

test("a group is acknowledged before its boundary, but a third one waits for the first boundary", async () => {
  const { faults, wrap } = watched();
  await using bench = await openTestLog({ wrap });
  faults.held = "groups";
  await bench.append("one");
  await bench.append("two");
  let third = false;
  void bench.append("three").then(() => (third = true));
  await bench.clock.settle();
  assert.equal(third, false);
  faults.letGo();
  await bench.clock.settle();
  assert.equal(third, true);
});

test("a failed sync stops the partition for good and is not tried again", async () => {
  const { faults, wrap } = watched();
  const bench = await openTestLog({ wrap });
  await bench.append("one");
  await bench.clock.settle();
  faults.failSync = "EIO";
  faults.operations.length = 0;
  const { durable } = bench.log.append([text("two")]);
  await assert.rejects(durable, { code: "DISK_FAILED", message: /check the disk, then restart/ });
  faults.failSync = undefined;
  assert.throws(() => bench.log.append([text("three")]), { code: "DISK_FAILED" });
  await bench.clock.settle();
  assert.deepEqual(faults.operations, ["write log", "sync log"]);
  assert.deepEqual(await texts(bench.log), ["0:one"], "what was durable is still served");
  await assert.rejects(bench.log.trimBefore(1), { code: "DISK_FAILED" });
  await bench.log.close();
  assert.deepEqual(faults.operations, ["write log", "sync log"]);
});

test("in interval mode an append is acknowledged at once and synced by the timer", async () => {
  const { faults, wrap } = watched();
  await using bench = await openTestLog({
    wrap,
    durability: { mode: "interval", intervalMs: 100 },
  });
  faults.operations.length = 0;
  await bench.append("one", "two");
  await bench.clock.advance(99);
  assert.deepEqual(faults.operations, ["write log", "write log"]);
  await bench.clock.advance(1);
  assert.deepEqual(faults.operations.slice(2, 4), ["sync log", "synced log"]);
  assert.equal(faults.operations.at(-1), "synced groups");
});

test("in memory mode nothing is synced before the segment ends", async () => {
  const { faults, wrap } = watched();
  const bench = await openTestLog({ wrap, durability: { mode: "memory" } });
  faults.operations.length = 0;
  await bench.append("one", "two");
  await bench.clock.advance(60_000);
  assert.deepEqual(faults.operations, ["write log", "write log"]);
  await bench.log.close();
  assert.equal(faults.operations.includes("synced log"), true, "an orderly stop syncs");
});

test("a change to fsync syncs what the looser mode left", async () => {
  const { faults, wrap } = watched();
  await using bench = await openTestLog({ wrap, durability: { mode: "memory" } });
  await bench.append("one");
  faults.operations.length = 0;
  bench.log.configure({ durability: { mode: "fsync" }, retention: {} });
  await bench.clock.settle();
  assert.equal(faults.operations[0], "sync log");
});

test("a full disk refuses the append and what waits behind it, and the log goes on afterwards", async () => {
  await using bench = await openTestLog();
  await bench.append("one");
  const before = bench.disk.usedBytes();
  bench.disk.capacityBytes = before + 20;
  const refused = [bench.log.append([text("lost")]).durable];
  await Promise.resolve();
  refused.push(bench.log.append([text("behind")]).durable);
  for (const durable of refused) await assert.rejects(durable, { code: "DISK_FULL" });
  await bench.clock.settle();
  assert.equal(bench.disk.usedBytes(), before, "what was half-written is gone");

  bench.disk.capacityBytes = Number.POSITIVE_INFINITY;
  await bench.append("two");
  await bench.crash();
  assert.deepEqual(await texts(bench.log), ["0:one", "1:two"]);
});

test("below the floor of free space only what must pass passes", async () => {
  await using bench = await openTestLog({ freeBytesMin: 1000 });
  await bench.append("one");
  bench.disk.capacityBytes = bench.disk.usedBytes() + 500;
  await bench.clock.advance(1000);
  await bench.append("two");
  assert.throws(() => bench.log.append([text("three")]), {
    code: "DISK_FULL",
    retryable: true,
    message: /less than 1000 bytes free, the floor/,
  });
  await bench.log.append([text("accepted")], { onFull: "allow" }).durable;

  bench.disk.capacityBytes = Number.POSITIVE_INFINITY;
  await bench.clock.advance(1000);
  assert.throws(() => bench.log.append([text("three")]), { code: "DISK_FULL" });
  await bench.clock.settle();
  await bench.append("three");
  assert.deepEqual(await texts(bench.log), ["0:one", "1:two", "2:accepted", "3:three"]);
});

test("a disk that fills up while a segment rolls refuses, and rolls when there is space again", async () => {
  await using bench = await openTestLog({ segmentBytesMax: 50 });
  await bench.append("one");
  bench.disk.capacityBytes = bench.disk.usedBytes() + 1000;
  const { durable } = bench.log.append([text("two")], { onFull: "allow" });
  await assert.rejects(durable, { code: "DISK_FULL" });
  bench.disk.capacityBytes = Number.POSITIVE_INFINITY;
  await bench.clock.advance(1000);
  await bench.log.append([text("two")], { onFull: "allow" }).durable;
  await bench.crash();
  assert.deepEqual(await texts(bench.log), ["0:one", "1:two"]);
});

test("more than may wait for the disk is refused at once", async () => {
  const { faults, wrap } = watched();
  await using bench = await openTestLog({ wrap, pendingBytesMax: 1000 });
  faults.held = "log";
  const waiting = bench.log.append([text("x".repeat(2000))]).durable;
  assert.throws(() => bench.log.append([text("y")]), { code: "OVERLOADED", retryable: true });
  await bench.clock.settle();
  faults.letGo();
  await waiting;
  await bench.append("y");
});

test("an append over the limit of a batch is refused and leaves no trace", async () => {
  await using bench = await openTestLog();
  const huge = { key: null, headers: [], value: Buffer.alloc(9 * 1024 * 1024) };
  assert.throws(() => bench.log.append([huge]), { code: "TOO_LARGE" });
  await bench.append("one");
  assert.deepEqual(await texts(bench.log), ["0:one"]);
});

test("a closed log refuses appends and wakes its waiters", async () => {
  const bench = await openTestLog();
  const waiting = bench.log.waitFor(0, new AbortController().signal);
  const last = bench.log.append([text("one")]).durable;
  const closing = bench.log.close();
  assert.throws(() => bench.log.append([text("two")]), { code: "CLOSED" });
  await assert.rejects(waiting, { code: "CLOSED" });
  await closing;
  await last;
  const sidecar = bench.disk.files.get(`${DIRECTORY}/00000000000000000000.groups`)!.bytes;
  assert.equal(readSidecar(sidecar)?.state, "clean");
  assert.equal(bench.log.end, 1, "what was appended before is durable");
});

test("a boundary that a full disk refuses is written anew, and nothing behind it before", async () => {
  const { faults, wrap } = watched();
  await using bench = await openTestLog({ wrap });
  await bench.append("one");
  faults.failKind = "groups";
  faults.failSync = "ENOSPC";
  await bench.append("two");
  for (let tries = 0; tries < 3; tries++) {
    await assert.rejects(bench.append("three"), { code: "DISK_FULL" });
    await bench.clock.advance(1000);
  }
  assert.equal(bench.log.stopped, undefined);
  const sidecar = bench.disk.files.get(`${DIRECTORY}/00000000000000000000.groups`)!;
  faults.failSync = undefined;
  await bench.append("three");
  await bench.clock.settle();
  const slots = readSlots(sidecar.bytes);
  assert.deepEqual(
    slots.map(({ nextOffset }) => nextOffset),
    [3, 2],
    "the slots are written in turn, whatever was refused in between",
  );
  await bench.crash();
  assert.deepEqual(await texts(bench.log), ["0:one", "1:two", "2:three"]);
});

test("a partition that lacks open files says which limit to raise", async () => {
  const { faults, wrap } = watched();
  await using bench = await openTestLog({ wrap });
  faults.failSync = "EMFILE";
  await assert.rejects(bench.append("one"), { code: "DISK_FAILED", message: /ulimit -n/ });
});

test("a partition whose files were removed says so, and promises nothing of them", async () => {
  const { faults, wrap } = watched();
  await using bench = await openTestLog({ wrap });
  faults.failSync = "ENOENT";
  await assert.rejects(bench.append("one"), (error: Error) => {
    assert.match(error.message, /files were removed while it was open: .* from a backup/);
    assert.doesNotMatch(error.message, /is kept/);
    return true;
  });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { AssignedPartition } from "../../broker/streams.ts";
import { isMillraceError } from "../../model/errors.ts";
import { valuesOf } from "../../model/outcome.ts";
import { message, openTestBroker, readAll, textOf } from "../broker-stage.test.ts";
import { MemoryContents, systemError } from "../log/disks/memory-disk.ts";
import { readSidecar } from "../log/format/group-boundary.ts";
import { createMemoryDisk, type Disk } from "../log/open-log.ts";

const code = (wanted: string) => (error: unknown) =>
  isMillraceError(error) && error.code === wanted;

test("acknowledged messages are there after a crash, in order, at the same offsets", async () => {
  await using stage = await openTestBroker();
  await stage.streams.ensureStream({ name: "orders", partitions: 3 });
  const sent: string[] = [];
  for (let n = 0; n < 50; n++) {
    const [outcome] = await stage.streams.append("orders", [
      message(`v${n}`, { key: `k${n % 7}` }),
    ]);
    const { partition, offset } = valuesOf([outcome!])[0]!;
    sent.push(`${partition}/${offset}=v${n}`);
  }
  await stage.crash();
  const found: string[] = [];
  for (let partition = 0; partition < 3; partition++) {
    for (const record of await readAll(stage.streams, "orders", partition)) {
      found.push(`${partition}/${record.offset}=${textOf(record)}`);
    }
  }
  assert.equal(found.length, 50);
  assert.deepEqual(found.toSorted(), sent.toSorted());
});

test("an id inside the window counts once across restarts, and again when the window has passed", async () => {
  await using stage = await openTestBroker();
  await stage.streams.ensureStream({ name: "s", partitions: 2, dedupe: { count: 10, ms: 60_000 } });
  const append = async (id: string) => {
    const outcomes = await stage.streams.append("s", [message("x", { key: id, id })]);
    return valuesOf(outcomes)[0]!;
  };
  const first = await append("a");
  await stage.crash();
  assert.deepEqual(await append("a"), { ...first, duplicate: true });
  await stage.restart();
  assert.equal((await append("a")).duplicate, true);
  assert.equal((await append("b")).duplicate, false);
  await stage.environment.clock.advance(60_001);
  assert.equal((await append("a")).duplicate, false);
});

test("a group goes on where it committed, with a greater epoch, after a crash", async () => {
  await using stage = await openTestBroker();
  await stage.streams.ensureStream({ name: "s", partitions: 1 });
  await stage.streams.append("s", [message("a"), message("b"), message("c")]);
  const given: AssignedPartition[] = [];
  const join = () =>
    stage.streams.joinGroup({
      group: "g",
      streams: ["s"],
      member: "m",
      run: async (assigned) => {
        given.push(assigned);
        await new Promise<void>((resolve) => {
          assigned.revoked.addEventListener("abort", () => resolve(), { once: true });
        });
      },
    });
  await join();
  await stage.environment.clock.settle();
  await given[0]!.commit(2);
  await assert.rejects(given[0]!.commit(4), code("OFFSET_OUT_OF_RANGE"));
  await stage.crash();
  const member = await join();
  await stage.environment.clock.settle();
  assert.equal(given[1]!.committed, 2);
  assert.ok(given[1]!.epoch > given[0]!.epoch, `${given[1]!.epoch} > ${given[0]!.epoch}`);
  const { positions } = await stage.streams.describeGroup("g");
  assert.deepEqual(positions, [
    { stream: "s", partition: 0, committed: 2, end: 3, lag: 1, member: "m" },
  ]);
  await member.close();
  await assert.rejects(given[1]!.commit(3), code("FENCED"));
  await stage.restart();
  assert.equal(await stage.streams.seekGroup("g", "s", 0, { timeMs: 0 }), 0);
});

test("a group whose position lies beyond the end is refused with the way out", async () => {
  await using stage = await openTestBroker();
  await stage.streams.ensureStream({ name: "s", partitions: 1 });
  const older = new Map<string, Uint8Array>();
  for (const [path, { bytes }] of stage.disk.files) older.set(path, Uint8Array.from(bytes));
  await stage.streams.append("s", [message("a"), message("b")]);
  const join = () =>
    stage.streams.joinGroup({ group: "g", streams: ["s"], member: "m", run: async () => {} });
  await (await join()).close();
  await stage.streams.seekGroup("g", "s", 0, "latest");
  await stage.broker.close();
  // As after restoring an older copy of the log.
  for (const path of stage.disk.files.keys()) {
    const copy = older.get(path);
    if (!path.startsWith("/data/streams/")) continue;
    if (copy === undefined) stage.disk.files.delete(path);
    else stage.disk.files.set(path, new MemoryContents(copy));
  }
  await stage.crash();
  await assert.rejects(join(), code("POSITION_MISMATCH"));
  await stage.streams.seekGroup("g", "s", 0, "earliest");
  await (await join()).close();
});

test("specs are kept and settings follow the last ensure, but for the number of partitions", async () => {
  await using stage = await openTestBroker();
  const made = await stage.streams.ensureStream({ name: "s", partitions: 2 });
  await stage.streams.ensureStream({ name: "s", partitions: 2, retention: { ageMs: 1_000 } });
  await stage.crash();
  const found = await stage.streams.describeStream("s");
  assert.deepEqual(found.spec.retention, { ageMs: 1_000 });
  assert.equal(found.incarnation, made.incarnation);
  assert.equal(found.cluster, made.cluster);
  await assert.rejects(
    stage.streams.ensureStream({ name: "s", partitions: 3 }),
    code("STREAM_MISMATCH"),
  );
});

test("a deleted stream is gone with its files and positions, and a new one of the name is another", async () => {
  await using stage = await openTestBroker();
  const { incarnation } = await stage.streams.ensureStream({ name: "s", partitions: 2 });
  await stage.streams.append("s", [message("a", { key: "k" })]);
  const reading = readAll(stage.streams, "s");
  await reading;
  await stage.streams.deleteStream("s");
  const left = [...stage.disk.files.keys()].filter((path) => path.startsWith("/data/streams/"));
  assert.deepEqual(left, []);
  await assert.rejects(stage.streams.describeStream("s"), code("UNKNOWN_STREAM"));
  await stage.crash();
  const again = await stage.streams.ensureStream({ name: "s", partitions: 1 });
  assert.notEqual(again.incarnation, incarnation);
  assert.equal((await readAll(stage.streams, "s")).length, 0);
});

test("retention runs by the clock and a read of what it removed names the oldest kept", async () => {
  await using stage = await openTestBroker({ segmentBytesMax: 4096, retentionCheckMs: 1_000 });
  await stage.streams.ensureStream({ name: "s", partitions: 1, retention: { ageMs: 5_000 } });
  for (let n = 0; n < 20; n++) {
    await stage.streams.append("s", [message("x".repeat(1_000))]);
    await stage.environment.clock.advance(500);
  }
  const [partition] = (await stage.streams.describeStream("s")).partitions;
  assert.ok(partition!.earliest > 0 && partition!.earliest < 20, `earliest ${partition!.earliest}`);
  await assert.rejects(
    async () => {
      for await (const _ of stage.streams.read("s", { partition: 0, from: { offset: 0 } })) break;
    },
    (error) =>
      isMillraceError(error, "OFFSET_OUT_OF_RANGE") &&
      error.details["earliest"] === partition!.earliest,
  );
});

test("a full disk refuses appends by item and still takes commits", async () => {
  await using stage = await openTestBroker({ freeBytesMin: 1_000_000 });
  await stage.streams.ensureStream({ name: "s", partitions: 1 });
  await stage.streams.append("s", [message("a")]);
  let committed: Promise<void> | undefined;
  await stage.streams.joinGroup({
    group: "g",
    streams: ["s"],
    member: "m",
    run: async (assigned) => {
      await new Promise((resolve) =>
        stage.environment.clock.after(10_000, () => resolve(undefined)),
      );
      committed = assigned.commit(1);
      await committed;
    },
  });
  stage.disk.capacityBytes = stage.disk.usedBytes() + 500_000;
  await stage.environment.clock.advance(5_000);
  let refused = 0;
  for (let n = 0; n < 5; n++) {
    const [outcome] = await stage.streams.append("s", [message("b")]);
    if (outcome!.ok) continue;
    assert.equal(outcome!.error.code, "DISK_FULL");
    refused++;
    await stage.environment.clock.advance(1_000);
  }
  assert.ok(refused > 0);
  await stage.environment.clock.advance(10_000);
  await committed;
  assert.equal((await stage.streams.describeGroup("g")).positions[0]!.committed, 1);
});

test("a damaged partition is named and refused, and the others go on", async () => {
  await using stage = await openTestBroker();
  await stage.streams.ensureStream({ name: "s", partitions: 2 });
  for (const partition of [0, 1]) {
    for (const text of ["first", "second", "third"]) {
      valuesOf(await stage.streams.append("s", [message(text)], { partition }));
    }
  }
  await stage.broker.close();
  const [path] = [...stage.disk.files.keys()].filter((file) =>
    /streams.*\/0\/\d+\.log$/.test(file),
  );
  const { bytes } = stage.disk.files.get(path!)!;
  const at = Buffer.from(bytes).indexOf("second");
  assert.ok(at > 0);
  bytes[at]! ^= 0xff;
  await stage.crash();
  await assert.rejects(readAll(stage.streams, "s", 0), code("LOG_DAMAGED"));
  assert.deepEqual((await readAll(stage.streams, "s", 1)).map(textOf), [
    "first",
    "second",
    "third",
  ]);
  const { partitions } = await stage.streams.describeStream("s");
  assert.match(partitions[0]!.stopped ?? "", /damage/);
  const [refused] = await stage.streams.append("s", [message("x")], { partition: 0 });
  assert.equal(refused!.ok ? "" : refused!.error.code, "LOG_DAMAGED");
  valuesOf(await stage.streams.append("s", [message("fourth")], { partition: 1 }));
});

test("a deletion of whose end the state log was not told is finished at the next opening", async () => {
  const disk = createMemoryDisk();
  let removed = false;
  const wrap = (inner: Disk): Disk => ({
    ...inner,
    async removeDirectory(directory) {
      await inner.removeDirectory(directory);
      removed ||= directory.startsWith("/data/streams");
      if (removed) disk.capacityBytes = disk.usedBytes();
    },
  });
  await using stage = await openTestBroker({ disk, wrap });
  await stage.streams.ensureStream({ name: "s", partitions: 2 });
  await assert.rejects(stage.streams.deleteStream("s"), { code: "DISK_FULL" });
  assert.ok(removed);
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  await stage.crash();
  assert.deepEqual(await stage.streams.listStreams(), []);
  assert.deepEqual(await disk.list("/data/streams"), []);
});

test("files that the disk does not remove are named, and removed at the next opening", async () => {
  const disk = createMemoryDisk();
  let fails = true;
  const wrap = (inner: Disk): Disk => ({
    ...inner,
    async remove(path) {
      if (fails && path.includes("/streams/")) throw systemError("EIO", path);
      await inner.remove(path);
    },
  });
  await using stage = await openTestBroker({ disk, wrap });
  await stage.streams.ensureStream({ name: "s", partitions: 1 });
  await assert.rejects(stage.streams.deleteStream("s"), {
    code: "DISK_FAILED",
    message: /streams\/s\/.* is deleted, but its files could not be removed/,
  });
  fails = false;
  await stage.crash();
  assert.deepEqual(await disk.list("/data/streams"), []);
});

test("what the disk left of a stream half made or half deleted goes when it is made anew", async () => {
  const disk = createMemoryDisk();
  let refused = /^$/;
  const wrap = (inner: Disk): Disk => ({
    ...inner,
    async open(path, options) {
      if (refused.test(path)) throw systemError("ENOSPC", path);
      const file = await inner.open(path, options);
      const write = file.writeSynced.bind(file);
      file.writeSynced = async (buffers, position) => {
        if (refused.test(path)) throw systemError("ENOSPC", path);
        await write(buffers, position);
      };
      return file;
    },
  });
  await using stage = await openTestBroker({ disk, wrap });
  const make = () => stage.streams.ensureStream({ name: "s", partitions: 3 });
  const places = async (): Promise<string[]> => [
    ...(await disk.list("/data/streams/s")),
    ...(await disk.list("/data/queues/q")),
  ];

  refused = /streams\/s\/.*\/2\/.*log$/;
  await assert.rejects(make(), code("DISK_FULL"));
  const [halfMade] = await places();
  refused = /^$/;
  await make();
  assert.equal((await places()).length, 1);
  assert.notEqual((await places())[0], halfMade);

  const [halfDeleted] = await places();
  refused = /state/;
  await assert.rejects(stage.streams.deleteStream("s"), code("DISK_FULL"));
  refused = /^$/;
  await make();
  assert.equal((await places()).length, 1);
  assert.notEqual((await places())[0], halfDeleted);

  await stage.streams.append("s", [message("a")]);
  await stage.streams.deleteStream("s");
  const makeQueue = () => stage.queues.ensureQueue({ name: "q" });
  refused = /queues.*log$/;
  await assert.rejects(makeQueue(), code("DISK_FULL"));
  refused = /^$/;
  await makeQueue();
  assert.equal((await places()).length, 1);
  await stage.crash();
  assert.equal((await places()).length, 1);
});

test("a stop that one file refuses ends all the others in order", async () => {
  const disk = createMemoryDisk();
  let fails = false;
  const wrap = (inner: Disk): Disk => ({
    ...inner,
    async open(path, options) {
      const file = await inner.open(path, options);
      if (!path.endsWith("/0/00000000000000000000.log")) return file;
      file.close = async () => {
        if (fails && path.includes("/streams/")) throw systemError("EIO", path);
      };
      return file;
    },
  });
  const stage = await openTestBroker({ disk, wrap });
  await stage.streams.ensureStream({ name: "s", partitions: 3 });
  fails = true;
  await assert.rejects(stage.broker.close(), { code: "DISK_FAILED" });
  const states = [...disk.files]
    .filter(([path]) => path.endsWith(".groups"))
    .map(([, { bytes }]) => readSidecar(bytes)?.state);
  assert.deepEqual(states, ["clean", "clean", "clean", "clean"]);
});

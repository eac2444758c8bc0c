import assert from "node:assert/strict";
import { constants } from "node:fs";
import { mkdtemp, readdir, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createTestEnvironment } from "../../../testing/environment.ts";
import type { Disk } from "../disk.ts";
import { openLogEnvironment, openPartitionLog } from "../open-log.ts";
import { text, texts } from "../log-stage.test.ts";
import { createMemoryDisk } from "./memory-disk.ts";
import { createNodeDisk } from "./node-disk.ts";

/** The same body on the real disk and on the one that stands for it in every other test. */
function onEveryDisk(title: string, body: (disk: Disk, root: string) => Promise<void>): void {
  test(`${title} (real)`, async () => {
    const root = await mkdtemp(join(tmpdir(), "millrace-disk-"));
    try {
      await body(createNodeDisk(), root);
    } finally {
      await rm(root, { recursive: true });
    }
  });
  test(`${title} (memory)`, async () => {
    const disk = createMemoryDisk();
    await disk.makeDirectory("/root");
    await body(disk, "/root");
  });
}

onEveryDisk(
  "buffers are written one after another and read back, short at the end",
  async (disk, root) => {
    const file = await disk.open(join(root, "a"), { create: true });
    const buffers = Array.from({ length: 3000 }, (_, index) =>
      Buffer.of(index & 0xff, index >>> 8),
    );
    await file.write([Buffer.from("head"), ...buffers], 0);
    await file.sync();
    assert.equal(await file.size(), 6004);
    assert.equal(Buffer.from(await file.read(0, 4)).toString(), "head");
    assert.deepEqual(Buffer.from(await file.read(4, 10_000)), Buffer.concat(buffers));
    assert.equal((await file.read(6004, 10)).length, 0);
    await file.truncate(4);
    assert.equal(await file.size(), 4);
    await file.write([Buffer.of(1)], 8);
    assert.deepEqual([...(await file.read(4, 10))], [0, 0, 0, 0, 1], "a hole reads as zeros");
    await file.close();
  },
);

onEveryDisk(
  "synced writes land beside plain ones, also those that lengthen the file",
  async (disk, root) => {
    const file = await disk.open(join(root, "a"), { create: true });
    await file.write([Buffer.from("plain ")], 0);
    await file.writeSynced([Buffer.from("syn"), Buffer.from("ced")], 6);
    await file.write([Buffer.from(" again")], 12);
    await file.writeSynced([Buffer.from("PL")], 0);
    assert.equal(Buffer.from(await file.read(0, 100)).toString(), "PLain synced again");
    await file.close();
  },
);

// Nothing but the flag can be seen without cutting the power.
if (process.platform === "linux") {
  test("a synced write goes through a descriptor that the system syncs", async () => {
    const root = await mkdtemp(join(tmpdir(), "millrace-disk-"));
    const path = join(root, "a");
    const file = await createNodeDisk().open(path, { create: true });
    try {
      await file.writeSynced([Buffer.from("synced")], 0);
      let synced = 0;
      for (const descriptor of await readdir("/proc/self/fd")) {
        if ((await readlink(`/proc/self/fd/${descriptor}`).catch(() => "")) !== path) continue;
        const facts = await readFile(`/proc/self/fdinfo/${descriptor}`, "utf8");
        const flags = Number.parseInt(/^flags:\s*([0-7]+)/m.exec(facts)![1]!, 8);
        if ((flags & constants.O_DSYNC) !== 0) synced++;
      }
      assert.equal(synced, 1);
    } finally {
      await file.close();
      await rm(root, { recursive: true });
    }
  });
}

onEveryDisk("names can be made, listed in order, renamed and removed", async (disk, root) => {
  const directory = join(root, "one", "two");
  assert.deepEqual(await disk.list(directory), []);
  await disk.makeDirectory(directory);
  await disk.makeDirectory(directory);
  for (const name of ["b", "a"]) {
    await (await disk.open(join(directory, name), { create: true, exclusive: true })).close();
  }
  await assert.rejects(disk.open(join(directory, "a"), { create: true, exclusive: true }), {
    code: "EEXIST",
  });
  await assert.rejects(disk.open(join(directory, "c"), {}), { code: "ENOENT" });
  assert.deepEqual(await disk.list(directory), ["a", "b"]);
  await disk.rename(join(directory, "b"), join(directory, "a"));
  await disk.syncDirectory(directory);
  assert.deepEqual(await disk.list(directory), ["a"]);
  assert.deepEqual(await disk.list(join(root, "one")), ["two"]);
  await assert.rejects(disk.removeDirectory(directory), { code: "ENOTEMPTY" });
  await disk.remove(join(directory, "a"));
  await assert.rejects(disk.remove(join(directory, "a")), { code: "ENOENT" });
  await disk.removeDirectory(directory);
  assert.equal(await disk.readFile(join(directory, "a")), undefined);
  assert.ok((await disk.freeBytes(root)) > 0);
});

onEveryDisk(
  "a partition that is appended to, rolled, trimmed and opened again is whole",
  async (disk, root) => {
    const { clock, log: facts } = createTestEnvironment();
    const environment = await openLogEnvironment({
      disk,
      clock,
      log: facts,
      directory: root,
      freeBytesMin: 0,
    });
    const open = (): ReturnType<typeof openPartitionLog> =>
      openPartitionLog(environment, {
        directory: join(root, "orders", "0"),
        durability: { mode: "fsync" },
        retention: {},
        segmentBytesMax: 500,
      });
    let log = await open();
    for (let group = 0; group < 20; group++) {
      const appends = Array.from({ length: 10 }, (_, index) =>
        log.append([text(`${group}-${index}`)]),
      );
      await Promise.all(appends.map(({ durable }) => durable));
    }
    await log.trimBefore(100);
    const { earliest } = log;
    assert.ok(earliest > 0 && earliest <= 100, `${earliest} is kept first`);
    await log.close();
    log = await open();
    const found = await texts(log);
    assert.equal(found.length, 200 - earliest);
    for (const line of found) {
      const [offset, value] = line.split(":");
      assert.equal(value, `${Math.floor(Number(offset) / 10)}-${Number(offset) % 10}`);
    }
    await log.close();
  },
);

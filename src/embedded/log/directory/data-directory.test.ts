import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, rmdir, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { isMillraceError } from "../../../model/errors.ts";
import { createTestEnvironment } from "../../../testing/environment.ts";
import { enumeratePowerCuts, PowerCutBroke } from "../disks/power-cut.ts";
import { withoutSyncs } from "../disks/recording-disk.ts";
import { createMemoryDisk, createNodeDisk, openDataDirectory, type Disk } from "../open-log.ts";
import { readDescription, writeDescription } from "./description.ts";
import { lockFailure } from "./writer-lock.ts";

const unlocked = { lock: () => ({ release: () => undefined }) };

async function withDirectory(run: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-directory-"));
  try {
    await run(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

const open = (directory: string): ReturnType<typeof openDataDirectory> =>
  openDataDirectory(createTestEnvironment(), { directory, disk: createNodeDisk() });

test("a directory keeps the cluster id of its making", async () => {
  const disk = createMemoryDisk();
  const options = { directory: "/data/broker", disk, ...unlocked };
  const first = await openDataDirectory(createTestEnvironment({ seed: 1 }), options);
  const second = await openDataDirectory(createTestEnvironment({ seed: 2 }), options);
  assert.equal(second.cluster, first.cluster);
  assert.match(first.cluster, /^[0-9a-f-]{36}$/);
});

/** A directory in memory that holds these files. */
async function prepared(files: Readonly<Record<string, string>>) {
  const disk = createMemoryDisk();
  for (const [path, text] of Object.entries(files)) {
    await disk.makeDirectory(dirname(`/data/${path}`));
    const file = await disk.open(`/data/${path}`, { create: true });
    await file.write([Buffer.from(text)], 0);
  }
  return disk;
}

const openOn = (disk: Disk): ReturnType<typeof openDataDirectory> =>
  openDataDirectory(createTestEnvironment(), { directory: "/data", disk, ...unlocked });

test("no bit of the cluster's id changes unnoticed, and one without a checksum is still read", async () => {
  const disk = createMemoryDisk();
  const { cluster } = await openOn(disk);
  const { bytes } = disk.files.get("/data/millrace.json")!;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    bytes[bit >>> 3]! ^= 1 << (bit & 7);
    const opened = await openOn(disk).then(
      (data) => data.cluster,
      (error: unknown) => (isMillraceError(error) ? error.code : String(error)),
    );
    assert.ok(
      [cluster, "LOG_DAMAGED", "DIRECTORY_VERSION"].includes(opened),
      `bit ${bit}: ${opened}`,
    );
    bytes[bit >>> 3]! ^= 1 << (bit & 7);
  }
  const old = await prepared({ "millrace.json": '{"format":1,"cluster":"c"}\n' });
  assert.equal((await openOn(old)).cluster, "c");
});

test("a directory of a newer format is refused with both versions, before its lock is touched", async () => {
  for (const description of ['{"format":3,"cluster":"c"}', '{"format":4}']) {
    const disk = await prepared({ "millrace.json": description });
    const lock = () => assert.fail("the lock was taken");
    const options = { directory: "/data", disk, lock };
    await assert.rejects(openDataDirectory(createTestEnvironment(), options), {
      code: "DIRECTORY_VERSION",
      details: { directory: "/data", format: JSON.parse(description).format, supported: 2 },
    });
  }
});

test("a directory of an older format is opened as it is, until it is upgraded", async () => {
  const disk = await prepared({ "millrace.json": '{"format":1,"cluster":"c"}\n' });
  const text = (): string => Buffer.from(disk.files.get("/data/millrace.json")!.bytes).toString();
  const first = await openOn(disk);
  assert.equal(first.cluster, "c");
  assert.equal(text(), '{"format":1,"cluster":"c"}\n');
  await first.upgrade();
  assert.match(text(), /^\{"format":2,"cluster":"c","crc32c":"[0-9a-f]{8}"\}\n$/);
  const { cluster } = await openOn(disk);
  assert.equal(cluster, "c");
  await (await openOn(createMemoryDisk())).upgrade();
});

test("a power cut during an upgrade leaves the old description or the new one, whole", async () => {
  const formats = new Set<unknown>();
  const upgrade = (through: (disk: Disk) => Disk) =>
    enumeratePowerCuts<"upgraded">({
      async workload(disk, note) {
        await disk.makeDirectory("/data");
        await writeDescription(disk, "/data", { format: 1, cluster: "c" });
        const data = await openOn(through(disk));
        await data.upgrade();
        note("upgraded");
      },
      async check(disk, notes) {
        const found = await readDescription(disk, "/data");
        formats.add(found?.format);
        if (found !== undefined) assert.equal(found.cluster, "c");
        if (notes.length > 0) assert.equal(found?.format, 2);
      },
    });
  const { states } = await upgrade((disk) => disk);
  assert.ok(states > 20, `only ${states} states`);
  assert.deepEqual(formats, new Set([undefined, 1, 2]));
  await assert.rejects(upgrade(withoutSyncs), PowerCutBroke, "control: without syncs");
});

test("a malformed description is refused and left as it is", async () => {
  const malformed = ["", "{", "[]", "null", '"1"', "{}", '{"format":1}', '{"cluster":"c"}'];
  malformed.push('{"format":0,"cluster":"c"}', '{"format":1,"cluster":""}', "\u0000\u0000\u0000");
  for (const text of malformed) {
    const disk = await prepared({ "millrace.json": text, "state/0.log": "kept" });
    await assert.rejects(openOn(disk), {
      code: "LOG_DAMAGED",
      details: { file: "/data/millrace.json" },
    });
    assert.equal(Buffer.from(disk.files.get("/data/millrace.json")!.bytes).toString(), text);
  }
});

test("contents without a description are refused: no empty broker starts over them", async () => {
  for (const path of ["state/0.log", "streams/s/i/0/0.log", "queues/q/i/0.log"]) {
    const disk = await prepared({ [path]: "kept" });
    await assert.rejects(openOn(disk), {
      code: "LOG_DAMAGED",
      message: /millrace\.json; restore it from a backup/,
    });
    assert.deepEqual([...disk.files.keys()], [`/data/${path}`]);
  }
});

test("what a crash leaves of the making of a directory does not keep it from being made", async () => {
  const disk = await prepared({ "writer.lock": "", "writer.json": "{", "millrace.json.new": "{" });
  const { cluster } = await openOn(disk);
  assert.equal((await openOn(disk)).cluster, cluster);
});

test("a lock that cannot be opened, or is none, is refused with the remedy", async () => {
  await withDirectory(async (directory) => {
    const lock = join(directory, "writer.lock");
    await mkdir(lock);
    await assert.rejects(open(directory), { code: "DISK_FAILED", message: /let the user/ });
    await rmdir(lock);
    await writeFile(lock, "this is text, and long enough to be taken for a header ".repeat(9));
    await assert.rejects(open(directory), { code: "DISK_FAILED", message: /remove the file/ });
    await rm(lock);
    await mkdir(join(directory, "writer.json"));
    await assert.rejects(open(directory), { code: "EISDIR" });
    await rmdir(join(directory, "writer.json"));
    await (await open(directory)).close();
  });
});

test("a second opening is refused with the process that has the directory", async () => {
  await withDirectory(async (directory) => {
    const first = await open(directory);
    await assert.rejects(open(directory), {
      code: "DIRECTORY_IN_USE",
      details: { directory, pid: process.pid },
    });
    await first.close();
    await (await open(directory)).close();
  });
});

test("a directory whose process was killed opens at once", async () => {
  await withDirectory(async (directory) => {
    const source = `
      const { lockDirectory } = await import(${JSON.stringify(new URL("writer-lock.ts", import.meta.url).href)});
      lockDirectory(${JSON.stringify(directory)});
      // What nobody refers to any more is collected; the lock must not be.
      setImmediate(() => {
        gc();
        setImmediate(() => console.log("locked"));
      });
      process.stdin.resume();`;
    const args = ["--expose-gc", "--input-type=module", "-e", source];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    const exited = once(child, "exit");
    try {
      await once(child.stdout, "data");
      await assert.rejects(open(directory), {
        code: "DIRECTORY_IN_USE",
        details: { directory, pid: child.pid },
      });
    } finally {
      child.kill("SIGKILL");
      await exited;
    }
    await (await open(directory)).close();
  });
});

test("a lock that a full disk does not let through is no matter of rights, and may be tried again", () => {
  // What node:sqlite threw on a tmpfs without a free block.
  const thrown = Object.assign(new Error("database or disk is full"), { errcode: 13 });
  const failure = lockFailure("/data/broker", thrown);
  assert.ok(isMillraceError(failure, "DISK_FULL"));
  assert.ok(failure.retryable);
  assert.match(failure.message, /writer\.lock .*is full.*; free some space/);
});

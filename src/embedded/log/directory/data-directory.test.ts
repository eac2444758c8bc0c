import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createTestEnvironment } from "../../../testing/environment.ts";
import { createMemoryDisk, createNodeDisk, openDataDirectory } from "../open-log.ts";

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

test("a directory of a newer format is refused with both versions", async () => {
  const disk = createMemoryDisk();
  await disk.makeDirectory("/data");
  const file = await disk.open("/data/millrace.json", { create: true });
  await file.write([Buffer.from('{"format":2,"cluster":"c"}')], 0);
  await assert.rejects(
    openDataDirectory(createTestEnvironment(), { directory: "/data", disk, ...unlocked }),
    { code: "DIRECTORY_VERSION", details: { directory: "/data", format: 2, supported: 1 } },
  );
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
      console.log("locked");
      process.stdin.resume();`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", source], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    await assert.rejects(open(directory), {
      code: "DIRECTORY_IN_USE",
      details: { directory, pid: child.pid },
    });
    child.kill("SIGKILL");
    await once(child, "exit");
    await (await open(directory)).close();
  });
});

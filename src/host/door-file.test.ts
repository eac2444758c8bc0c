import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { readDoorFile, removeDoorFile, writeDoorFile } from "./door-file.ts";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-door-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const door = { url: "http://127.0.0.1:1", token: "t", pid: 7 };

test("a door file is found again, and only its owner can read it", () =>
  inFolder(async (folder) => {
    await writeDoorFile(folder, door);
    assert.deepEqual(await readDoorFile(folder), door);
    assert.equal((await stat(join(folder, "door.json"))).mode & 0o777, 0o600);
  }));

test("a process removes its own door file and leaves its successor's", () =>
  inFolder(async (folder) => {
    await writeDoorFile(folder, door);
    await removeDoorFile(folder, 8);
    assert.deepEqual(await readDoorFile(folder), door);
    await removeDoorFile(folder, 7);
    assert.equal(await readDoorFile(folder), undefined);
  }));

test("a door file that is damaged or of another form counts as absent", () =>
  inFolder(async (folder) => {
    for (const text of ["", "{", "null", '{"url":1}']) {
      await writeFile(join(folder, "door.json"), text);
      assert.equal(await readDoorFile(folder), undefined);
    }
    assert.equal(await readDoorFile(join(folder, "nowhere")), undefined);
  }));

import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { createRealClock } from "../host/real-clock.ts";
import { FileWatch } from "./watch-files.ts";

/** Events come from the file system, in real time. */
async function changedIn(change: (folder: string) => Promise<void>): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-watch-"));
  try {
    await writeFile(join(folder, "a.ts"), "1");
    await writeFile(join(folder, "b.ts"), "1");
    using watch = new FileWatch(createRealClock());
    watch.add(join(folder, "a.ts"));
    watch.add(join(folder, "b.ts"));
    await change(folder);
    return (await watch.changed).map((path) => basename(path)).toSorted();
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("files that are written one after another make one change", async () => {
  const changed = await changedIn(async (folder) => {
    await writeFile(join(folder, "unwatched.ts"), "1");
    await writeFile(join(folder, "b.ts"), "22");
    await writeFile(join(folder, "a.ts"), "22");
  });
  assert.deepEqual(changed, ["a.ts", "b.ts"]);
});

test("a file that is replaced by renaming has changed", async () => {
  const changed = await changedIn(async (folder) => {
    await writeFile(join(folder, "draft"), "2");
    await rename(join(folder, "draft"), join(folder, "a.ts"));
  });
  assert.deepEqual(changed, ["a.ts"]);
});

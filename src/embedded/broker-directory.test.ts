import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { DIRECTORY, openTestBroker } from "./broker-stage.test.ts";

test("an opening removes the second names that a killed backup has left, and the room is there again", async () => {
  await using stage = await openTestBroker();
  const { disk } = stage;
  const left = join(DIRECTORY, "backing-up");
  await stage.restart();
  const usedBytes = disk.usedBytes();
  await disk.makeDirectory(left);
  for (const name of ["0.log", "1.log"]) {
    const file = await disk.open(join(left, name), { create: true });
    await file.write([Buffer.alloc(1_000_000)], 0);
    await file.close();
  }
  assert.ok(disk.usedBytes() > usedBytes + 1_999_999);
  await stage.restart();
  assert.deepEqual(await disk.list(left), []);
  assert.ok(!(await disk.list(DIRECTORY)).includes("backing-up"));
  assert.ok(disk.usedBytes() < usedBytes + 10_000);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestEnvironment } from "../testing/environment.ts";
import { KeyedLog } from "./keyed-log.ts";
import { createMemoryDisk, type LogEnvironment, openLogEnvironment } from "./log/open-log.ts";

async function openOn(disk = createMemoryDisk()): Promise<LogEnvironment> {
  const { clock, log } = createTestEnvironment();
  await disk.makeDirectory("/data");
  return openLogEnvironment({ disk, clock, log, directory: "/data", freeBytesMin: 0 });
}

test("the newest value of each key is found after a crash, and removed keys stay removed", async () => {
  const disk = createMemoryDisk();
  const state = await KeyedLog.open(await openOn(disk), "/data/state");
  await Promise.all([state.put("a", "1"), state.put("b", "2"), state.put("c", "3")]);
  await Promise.all([state.put("a", "4"), state.put("b", undefined)]);
  const again = await KeyedLog.open(await openOn(disk), "/data/state");
  assert.deepEqual(
    [...again.entries("")],
    [
      ["a", "4"],
      ["c", "3"],
    ],
  );
});

test("a log of overtaken values is written anew and trimmed, and tells the same", async () => {
  const disk = createMemoryDisk();
  const state = await KeyedLog.open(await openOn(disk), "/data/state");
  const bytes = () => disk.files.values().reduce((sum, contents) => sum + contents.size, 0);
  await state.put("kept", "from the beginning");
  let largest = 0;
  for (let round = 0; round < 200; round++) {
    const puts = Array.from({ length: 1_000 }, (_, n) => state.put(`key ${n}`, `${round} ${n}`));
    await Promise.all(puts);
    largest = Math.max(largest, bytes());
  }
  await state.close();
  // 200,000 records of about 25 bytes were written, and a segment has 4 MiB.
  assert.ok(bytes() < largest, `${bytes()} bytes left of ${largest}`);
  const again = await KeyedLog.open(await openOn(disk), "/data/state");
  assert.equal(again.get("kept"), "from the beginning");
  assert.equal(again.get("key 999"), "199 999");
  assert.equal([...again.entries("key ")].length, 1_000);
});

test("what the disk refuses is taken back, and what overtook it stays", async () => {
  const disk = createMemoryDisk();
  const logs = await openOn(disk);
  const state = await KeyedLog.open(logs, "/data/state");
  await state.putAll([
    ["kept", "1"],
    ["gone", "1"],
  ]);
  disk.capacityBytes = disk.usedBytes();
  const refused = [
    state.put("kept", "2"),
    state.put("gone", undefined),
    state.put("new", "2"),
    state.put("kept", "3"),
  ];
  assert.equal(state.get("kept"), "3", "until it is known");
  for (const put of refused) await assert.rejects(put, { code: "DISK_FULL" });
  await assert.rejects(state.putAll([["kept", "4"]]), { code: "DISK_FULL" });
  const told = () => Object.fromEntries(state.entries(""));
  assert.deepEqual(told(), { kept: "1", gone: "1" });
  disk.capacityBytes = Number.POSITIVE_INFINITY;
  await Promise.all([state.put("kept", "5"), state.put("kept", "6")]);
  const again = await KeyedLog.open(await openOn(disk), "/data/state");
  assert.deepEqual(Object.fromEntries(again.entries("")), told());
  assert.equal(again.get("kept"), "6");
});

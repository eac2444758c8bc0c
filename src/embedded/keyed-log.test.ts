import assert from "node:assert/strict";
import { test } from "node:test";
import { createTestEnvironment } from "../testing/environment.ts";
import { KeyedLog } from "./keyed-log.ts";
import { MemoryContents } from "./log/disks/memory-disk.ts";
import {
  createMemoryDisk,
  type LogEnvironment,
  type MemoryDisk,
  openLogEnvironment,
} from "./log/open-log.ts";

async function openOn(
  disk = createMemoryDisk(),
  { clock, log } = createTestEnvironment(),
): Promise<LogEnvironment> {
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
  for (let round = 0; round < 250; round++) {
    const puts = Array.from({ length: 1_000 }, (_, n) => state.put(`key ${n}`, `${round} ${n}`));
    await Promise.all(puts);
    largest = Math.max(largest, bytes());
  }
  await state.close();
  // 250,000 records of about 25 bytes were written, and a segment has 4 MiB.
  assert.ok(bytes() < largest / 2, `${bytes()} bytes left of ${largest}`);
  const again = await KeyedLog.open(await openOn(disk), "/data/state");
  assert.equal(again.get("kept"), "from the beginning");
  assert.equal(again.get("key 999"), "249 999");
  assert.equal([...again.entries("key ")].length, 1_000);
});

/** Overtakes so many records, none of them waiting for long. */
async function overtake(state: KeyedLog, count: number): Promise<void> {
  for (let left = count; left > 0; left -= 1_000) {
    await Promise.all(Array.from({ length: 1_000 }, () => state.put("hot", String(left))));
  }
}

/** What a power cut leaves that takes nothing. */
function copyOf(disk: MemoryDisk): MemoryDisk {
  const copy = createMemoryDisk();
  for (const directory of disk.directories) copy.directories.add(directory);
  for (const [path, { bytes }] of disk.files)
    copy.files.set(path, new MemoryContents(bytes.slice()));
  return copy;
}

test("a map larger than what may wait for the disk is written anew, and no put is refused", async () => {
  const disk = createMemoryDisk();
  const environment = createTestEnvironment();
  const state = await KeyedLog.open(await openOn(disk, environment), "/data/state");
  // 40 MB; two thousand of them are more than a batch may have.
  const value = "x".repeat(5_000);
  for (let n = 0; n < 8_000; n += 500) {
    await Promise.all(Array.from({ length: 500 }, (_, index) => state.put(`${n + index}`, value)));
  }
  const oldest = (): string => [...disk.files.keys()].filter((path) => path.endsWith(".log"))[0]!;
  const before = oldest();
  await overtake(state, 28_000);
  for (let puts = 0; oldest() === before; puts++) {
    assert.ok(puts < 1_000, "it goes on while puts go on");
    await state.put("hot", "last");
  }
  assert.deepEqual(environment.entries, []);
  await state.close();
  assert.ok(disk.usedBytes() < 50e6, `${disk.usedBytes()} bytes`);
  const again = await KeyedLog.open(await openOn(disk), "/data/state");
  assert.equal(again.get("hot"), "last");
  assert.equal([...again.entries("")].filter(([, each]) => each === value).length, 8_000);
});

test("what is put while the map is written anew is found, wherever that ends", async () => {
  const disk = createMemoryDisk();
  const state = await KeyedLog.open(await openOn(disk), "/data/state");
  const keys = Array.from({ length: 12_000 }, (_, n) => `key ${n}`);
  await Promise.all(keys.map((key) => state.put(key, "1")));
  await overtake(state, 32_000);
  const before = disk.usedBytes();
  const cuts: { readonly disk: MemoryDisk; readonly told: ReadonlyMap<string, string> }[] = [];
  void state.put("hot", "begins it");
  // Seven batches, about a step to each: changes before their key's batch comes, and after it.
  for (let step = 0; step < 10; step++) {
    const at = step * 600;
    await Promise.all([
      state.put(keys[at]!, `changed ${step}`),
      state.put(keys[at + 1]!, undefined),
      state.put(keys[11_998 - at]!, `changed ${step}`),
      state.put(keys[11_999 - at]!, undefined),
      state.put(`new ${step}`, "x"),
      ...(step > 0 ? [state.put(keys[at - 599]!, "came back")] : []),
    ]);
    cuts.push({ disk: copyOf(disk), told: new Map(state.entries("")) });
  }
  assert.ok(disk.usedBytes() - before > 12_000 * 12, "it was written anew");
  for (const [step, cut] of cuts.entries()) {
    const again = await KeyedLog.open(await openOn(cut.disk), "/data/state");
    assert.deepEqual(new Map(again.entries("")), cut.told, `step ${step}`);
  }
  assert.equal(cuts.length, 10);
});

test("a map that was written anew, or could not be, is left until as much is overtaken again", async () => {
  const disk = createMemoryDisk();
  const environment = createTestEnvironment();
  const state = await KeyedLog.open(await openOn(disk, environment), "/data/state");
  const failures = (): number =>
    environment.entries.filter(({ text }) => text.includes("could not be compacted")).length;
  // Of a megabyte, in more than one batch.
  const values = Array.from({ length: 1_100 }, (_, n) => state.put(`key ${n}`, "x".repeat(1_000)));
  await Promise.all(values);
  const growth = async (run: () => Promise<void>): Promise<number> => {
    const before = disk.usedBytes();
    await run();
    return disk.usedBytes() - before;
  };
  assert.ok((await growth(() => overtake(state, 24_000))) > 1_100_000, "it was written anew");
  assert.ok((await growth(() => overtake(state, 18_000))) < 500_000);
  disk.capacityBytes = disk.usedBytes() + 800_000;
  for (let rounds = 0; failures() === 0; rounds++) {
    assert.ok(rounds < 10);
    // The disk may refuse one that is written with the map.
    await overtake(state, 1_000).catch(() => undefined);
  }
  await overtake(state, 10_000);
  assert.equal(failures(), 1);
  disk.capacityBytes = Infinity;
  assert.ok((await growth(() => overtake(state, 20_000))) > 1_100_000);
  assert.equal(failures(), 1);
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

import assert from "node:assert/strict";
import { test } from "node:test";
import { createVirtualClock } from "../../../testing/virtual-clock.ts";
import { createMemoryDisk } from "../disks/memory-disk.ts";
import { FreeSpace } from "./free-space.ts";

const MIB = 1024 * 1024;

test("the log is told once when the room ends, and once when there is some again", async () => {
  const disk = createMemoryDisk();
  const told: string[] = [];
  const tell = (level: string) => (_: unknown, text: string) => {
    told.push(`${level}: ${text}`);
  };
  const log = {
    debug: tell("debug"),
    info: tell("info"),
    warn: tell("warn"),
    error: tell("error"),
  };
  const clock = createVirtualClock();
  const space = new FreeSpace({ disk, clock, log, directory: "data", freeBytesMin: 100 * MIB });
  const lookAt = async (capacityBytes: number): Promise<void> => {
    disk.capacityBytes = capacityBytes;
    await space.look();
  };

  await lookAt(101 * MIB);
  assert.deepEqual(told, []);
  space.spend(2 * MIB);
  space.spend(MIB);
  space.exhausted();
  assert.equal(space.low, true);
  assert.equal(told.length, 1);
  assert.match(told[0]!, /^warn: the disk has no room/);

  await lookAt(101 * MIB);
  await lookAt(99 * MIB);
  assert.equal(told.length, 1, "a disk at its edge is no news");
  await lookAt(200 * MIB);
  assert.match(told[1] ?? "", /^info: the disk has room again/);
  await lookAt(99 * MIB);
  assert.equal(told.length, 3);
});

test("a disk that says that it is full is told of without a floor, too", () => {
  const told: string[] = [];
  const tell = (_: unknown, text: string): void => {
    told.push(text);
  };
  const log = { debug: tell, info: tell, warn: tell, error: tell };
  const clock = createVirtualClock();
  const disk = createMemoryDisk();
  const space = new FreeSpace({ disk, clock, log, directory: "data", freeBytesMin: 0 });
  space.exhausted();
  space.exhausted();
  assert.equal(told.length, 1);
});

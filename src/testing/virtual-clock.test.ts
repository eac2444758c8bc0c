import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { delay } from "../model/clock.ts";
import { realIo } from "./real-io.ts";
import { createVirtualClock } from "./virtual-clock.ts";

test("timers fire in the order of their moments, ties in the order of their making", async () => {
  const clock = createVirtualClock({ startMs: 1000 });
  const fired: string[] = [];
  const note = (name: string) => () => void fired.push(`${name}@${clock.now()}`);
  clock.after(20, note("b"));
  clock.after(10, note("a"));
  clock.after(20, note("c"));
  clock.after(31, note("late"));
  await clock.advance(30);
  assert.deepEqual(fired, ["a@1010", "b@1020", "c@1020"]);
  assert.equal(clock.now(), 1030);
  assert.equal(clock.pending, 1);
});

test("promise work that a timer causes finishes before the next timer fires", async () => {
  const clock = createVirtualClock();
  const seen: string[] = [];
  const slow = async (): Promise<void> => {
    await delay(clock, 10);
    for (let step = 0; step < 50; step++) await Promise.resolve();
    seen.push("slow");
  };
  void slow();
  clock.after(11, () => seen.push("next"));
  await clock.advance(11);
  assert.deepEqual(seen, ["slow", "next"]);
});

test("a moment is whole milliseconds, and parts of them add up", async () => {
  const clock = createVirtualClock({ startMs: 1000 });
  for (let step = 0; step < 4; step++) await clock.advance(0.75);
  assert.deepEqual([clock.now(), clock.monotonic()], [1003, 3]);
  await clock.advance(0.5);
  assert.deepEqual([clock.now(), clock.monotonic()], [1003, 3.5]);
});

test("an alarm goes by the wall clock, which can be set; a timer by the time that passes", async () => {
  const clock = createVirtualClock({ startMs: 1000 });
  const fired: string[] = [];
  clock.at(1500, () => void fired.push("alarm"));
  clock.after(500, () => void fired.push("timer"));
  clock.set(400);
  await clock.advance(500);
  assert.deepEqual(fired, ["timer"]);
  clock.set(5000);
  assert.deepEqual([clock.now(), clock.monotonic()], [5000, 500]);
  await clock.advance(0);
  assert.deepEqual([fired, clock.now(), clock.fired], [["timer", "alarm"], 5000, 2]);
});

test("a cancelled timer does not fire", async () => {
  const clock = createVirtualClock();
  let fired = false;
  clock.after(5, () => (fired = true)).cancel();
  await clock.advance(10);
  assert.equal(fired, false);
});

test("run moves time until the work is done, and says so when nothing will end it", async () => {
  const clock = createVirtualClock({ startMs: 0 });
  const work = delay(clock, 1000).then(() => delay(clock, 500));
  await clock.run(work);
  assert.equal(clock.now(), 1500);
  await assert.rejects(clock.run(new Promise(() => {})), /no timer will bring/);
  await assert.rejects(clock.run(delay(clock, 5000), { maxMs: 100 }), /100 ms of virtual time/);
});

test("run with io lets real I/O take its turns", async () => {
  const clock = createVirtualClock({ startMs: 0 });
  const info = await clock.run(stat("."), { io: { stepMs: 1, turn: () => nextTurn() } });
  assert.ok(info.isDirectory());
});

test("beside a real disk time stands still while the disk is at work, however slow it is", async () => {
  const clock = createVirtualClock();
  const directory = await mkdtemp(join(tmpdir(), "millrace-clock-"));
  try {
    let late = false;
    clock.after(2, () => (late = true));
    await clock.run(writeFile(join(directory, "file"), Buffer.alloc(32 * 1024 * 1024)), {
      io: realIo,
    });
    assert.deepEqual([late, clock.fired], [false, 0]);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("beside a disk that rests time leaps from timer to timer, a month at once", async () => {
  const clock = createVirtualClock();
  const monthMs = 31 * 86_400_000;
  let turns = 0;
  const turn = (): Promise<unknown> => {
    turns++;
    return realIo.turn();
  };
  const io = { ...realIo, turn };
  await clock.run(delay(clock, monthMs), { io, maxMs: monthMs });
  assert.equal(clock.monotonic(), monthMs);
  assert.ok(turns < 10_000, `${turns} turns`);
});

test("what a turn does not see as I/O is still given its turns", async () => {
  const clock = createVirtualClock();
  clock.after(86_400_000, () => undefined);
  let turns = 0;
  const { promise, resolve } = Promise.withResolvers<string>();
  const turn = (): Promise<unknown> => {
    if (++turns === 50) resolve("a thread has ended");
    return realIo.turn();
  };
  assert.equal(await clock.run(promise, { io: { ...realIo, turn } }), "a thread has ended");
  assert.ok(clock.monotonic() < 100);
});

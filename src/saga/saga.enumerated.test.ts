/**
 * A process killed at every step, enumerated: after each single commit, each publish and each
 * acknowledgement in turn the process is gone, and another takes over. All runs must end alike, and no
 * command may ever have had two ids. On files every step takes a while: here are a few of them, and
 * `npm run crash -- --only saga-enumerated` takes all.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  diskPlace,
  memoryPlace,
  runKilled,
  type Death,
  type KilledRun,
  type KillPlace,
} from "./killed-saga.test.ts";

const FILE_KILLS = 4;

async function killed(open: () => Promise<KillPlace>, death?: Death): Promise<KilledRun> {
  await using place = await open();
  return await runKilled(place, { death });
}

// proves: orchestration
test("a process killed after any of its steps ends as one that was never killed", async () => {
  const { calls } = await killed(memoryPlace);
  assert.ok(calls.length > 60, `only ${calls.length} calls to be killed after`);
  let died = 0;
  for (const call of calls.keys())
    if ((await killed(memoryPlace, { call, done: true })).died) died++;
  assert.equal(died, calls.length);
});

test("a process killed before any of its commits calls the outside again, under the same key", async () => {
  const { calls } = await killed(memoryPlace);
  let repeats = 0;
  for (const [call, name] of calls.entries()) {
    if (name === "apply") repeats += (await killed(memoryPlace, { call, done: false })).repeats;
  }
  assert.ok(repeats > 0, "no call was made again, so nothing was seen of its key");
});

test("a process killed on files at some of its steps ends as one that was never killed", async (t) => {
  const { calls } = await killed(diskPlace);
  let died = 0;
  for (let nth = 0; nth < FILE_KILLS; nth++) {
    const call = Math.floor(((nth + 0.5) * calls.length) / FILE_KILLS);
    if ((await killed(diskPlace, { call, done: nth % 2 === 0 })).died) died++;
  }
  t.diagnostic(`${died} of ${FILE_KILLS} kills, of ${calls.length} steps`);
  assert.ok(died > 0, "nothing was killed");
});

test("control: files that lose a commit whose message was acknowledged are found out", async () => {
  const { calls } = await killed(diskPlace);
  const call = calls.indexOf("accept");
  const spoiledBefore = calls.lastIndexOf("apply", call);
  assert.ok(spoiledBefore > 0 && call > spoiledBefore, calls.join());
  await using place = await diskPlace();
  const spoiled = runKilled(place, { death: { call, done: true }, spoiledBefore });
  await assert.rejects(spoiled, /killed after call/);
});

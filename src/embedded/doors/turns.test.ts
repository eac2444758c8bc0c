import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { createRealClock } from "../../host/real-clock.ts";
import { Pace } from "./pace.ts";
import { Turns } from "./turns.ts";

const CLOCK = createRealClock();

/** Does all that it may of so many things in each turn, and notes how many. */
function worker(turns: Turns, { left, small = false }: { left: number; small?: boolean }) {
  const done: number[] = [];
  const work = (): void => {
    let count = 0;
    while (left > 0 && pace.may(small)) {
      pace.count(1);
      left--;
      count++;
    }
    done.push(count);
  };
  const pace = new Pace(turns, 10, work);
  return { done, work, pace };
}

test("a connection has its own part of a turn, and goes on in the next", async () => {
  const one = worker(new Turns(CLOCK, 100), { left: 25 });
  one.work();
  for (let count = 0; count < 4; count++) await turn();
  assert.deepEqual(one.done, [10, 10, 5]);
});

test("a turn that all have filled goes on with those who wait, in the order of asking", async () => {
  const turns = new Turns(CLOCK, 15);
  const all = Array.from({ length: 3 }, () => worker(turns, { left: 12 }));
  for (const one of all) one.work();
  assert.deepEqual(
    all.map(({ done }) => done),
    [[10], [5], [0]],
  );
  await turn();
  assert.deepEqual(
    all.map(({ done }) => done),
    [
      [10, 2],
      [5, 7],
      [0, 6],
    ],
  );
  await turn();
  assert.deepEqual(all[2]!.done, [0, 6, 6]);
});

test("who has done next to nothing is let through a full turn", () => {
  const turns = new Turns(CLOCK, 15);
  for (let count = 0; count < 20; count++) worker(turns, { left: 100 }).work();
  const healthy = worker(turns, { left: 3, small: true });
  healthy.work();
  const greedy = worker(turns, { left: 100, small: true });
  greedy.work();
  assert.deepEqual([healthy.done, greedy.done], [[3], [4]]);
});

test("a connection that ends while it waits is not called", async () => {
  const turns = new Turns(CLOCK, 15);
  const one = worker(turns, { left: 25 });
  one.work();
  one.pace.cancel();
  await turn();
  await turn();
  assert.deepEqual(one.done, [10]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { createRealClock, holdProcess } from "./real-clock.ts";

const START_MS = 1_750_000_000_000;
const DAY_MS = 86_400_000;

// Nothing else can set the clock of the machine that the tests run on.
test("an alarm waits for its moment, and notices soon that the clock was set", (t) => {
  const { timers } = t.mock;
  timers.enable({ apis: ["setTimeout", "Date"], now: START_MS });
  const clock = createRealClock();
  const rung: string[] = [];
  const alarm = (name: string, inMs: number) =>
    clock.at(START_MS + inMs, () => void rung.push(name));
  alarm("past", -5);
  alarm("soon", 300);
  alarm("later", 15_000);
  alarm("cancelled", 15_000).cancel();
  alarm("far", 30 * DAY_MS);
  const pass = (ms: number): void => {
    for (let passed = 0; passed < ms; passed++) timers.tick(1);
  };
  pass(299);
  assert.deepEqual(rung, ["past"]);
  pass(1);
  assert.deepEqual(rung, ["past", "soon"]);
  pass(14_699);
  assert.deepEqual(rung, ["past", "soon"]);
  pass(1);
  assert.deepEqual(rung, ["past", "soon", "later"]);
  timers.setTime(START_MS + 31 * DAY_MS);
  pass(10_000);
  assert.deepEqual(rung, ["past", "soon", "later", "far"]);
});

test("the next turn comes at once where nothing else happens", async () => {
  const clock = createRealClock();
  const otherMs = 2_000;
  const held = holdProcess();
  // All that the loop would wake for.
  const other = clock.after(otherMs, () => undefined);
  const startedMs = clock.monotonic();
  const turns = 5;
  for (let turn = 0; turn < turns; turn++) {
    await new Promise<void>((resolve) => void clock.after(0, resolve));
  }
  other.cancel();
  held.cancel();
  assert.ok(clock.monotonic() - startedMs < otherMs);
});

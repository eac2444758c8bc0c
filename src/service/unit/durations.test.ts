import assert from "node:assert/strict";
import { test } from "node:test";
import { DURATION_BOUNDS_MS, Durations } from "./durations.ts";

test("a duration counts in the bucket of the least bound that it does not pass", () => {
  const durations = new Durations();
  for (const ms of [0, ...DURATION_BOUNDS_MS, 10_001, 1e9]) durations.note(ms);
  const { counts, sumMs } = durations.summary();
  assert.deepEqual(counts, [2, 1, 1, 1, 1, 1, 1, 1, 2]);
  assert.equal(counts.length, DURATION_BOUNDS_MS.length + 1);
  assert.equal(sumMs, DURATION_BOUNDS_MS.reduce((sum, ms) => sum + ms, 0) + 10_001 + 1e9);
});

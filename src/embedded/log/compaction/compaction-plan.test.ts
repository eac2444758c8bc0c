import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compactableCount,
  compactionDueMs,
  endsForCompaction,
  type CompactableSegment,
} from "./compaction-plan.ts";

/** A segment of ten offsets and a hundred bytes, whose times are a hundred times its number. */
function segment(
  number: number,
  { horizonMs, damaged = false }: { horizonMs?: number; damaged?: boolean } = {},
): CompactableSegment {
  return {
    bytes: 100,
    count: 10,
    nextOffset: number * 10 + 10,
    oldestMs: number * 100,
    newestMs: number * 100 + 99,
    compacted: horizonMs === undefined ? undefined : { horizonMs },
    damagedRanges: damaged ? [{}] : [],
  };
}

const CLEAN = { horizonMs: 0 };
const whole = { compaction: {}, stableEnd: Infinity };

test("the segment that is written is never compacted", () => {
  assert.equal(compactableCount({ ...whole, segments: [segment(0)] }, 1e9), 0);
  assert.equal(compactableCount({ ...whole, segments: [segment(0), segment(1)] }, 1e9), 1);
  assert.equal(compactionDueMs({ ...whole, segments: [segment(0)] }), Infinity);
});

test("what is too young, or not decided, ends what may be compacted", () => {
  const segments = [0, 1, 2, 3].map((number) => segment(number));
  const young = { ...whole, segments, compaction: { minLagMs: 1_000 } };
  assert.deepEqual(
    [1_098, 1_099, 1_199, 9_999].map((nowMs) => compactableCount(young, nowMs)),
    [0, 1, 2, 3],
  );
  assert.equal(compactionDueMs(young), 1_099);
  assert.equal(compactableCount({ ...whole, segments, stableEnd: 29 }, 1e9), 2);
  assert.equal(compactionDueMs({ ...whole, segments, stableEnd: 9 }), Infinity);
});

test("nothing is due until half of what may be compacted is new", () => {
  const clean = [segment(0, CLEAN), segment(1, CLEAN)];
  const active = segment(9);
  assert.equal(compactionDueMs({ ...whole, segments: [...clean, active] }), Infinity);
  assert.equal(compactionDueMs({ ...whole, segments: [...clean, segment(2), active] }), Infinity);
  const half = [...clean, segment(2), segment(3), active];
  assert.equal(compactionDueMs({ ...whole, segments: half }), 399);
});

test("the greatest lag makes it due, and ends the segment that is written", () => {
  const segments = [segment(0, CLEAN), segment(1, CLEAN), segment(2), segment(3)];
  const compaction = { maxLagMs: 5_000 };
  assert.equal(compactionDueMs({ ...whole, segments, compaction }), 5_200);
  assert.equal(endsForCompaction(segment(3), compaction, 5_299), false);
  assert.equal(endsForCompaction(segment(3), compaction, 5_300), true);
  assert.equal(endsForCompaction({ ...segment(3), count: 0 }, compaction, 1e9), false);
});

test("what dies at its horizon is due then, unless damage keeps deletions", () => {
  const dying = [segment(0, { horizonMs: 7_000 }), segment(1, CLEAN), segment(2)];
  assert.equal(compactionDueMs({ ...whole, segments: dying }), 7_000);
  const damaged = [segment(0, { horizonMs: 7_000 }), segment(1, { damaged: true }), segment(2)];
  assert.equal(compactionDueMs({ ...whole, segments: damaged }), Infinity);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { type Backlog, withUntouched } from "./checkpoint.ts";

const backlog = (cursor: number, heldBack: number, skip: readonly number[] = []): Backlog => ({
  cursor,
  heldBack,
  skip,
  marks: [],
});
const upTo = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index);

test("untouched messages before the cursor are held back again", () => {
  assert.deepEqual(withUntouched(backlog(10, 5, [12]), upTo(4, 10)), backlog(4, 11, [12]));
  assert.deepEqual(withUntouched(backlog(10, 0), []), backlog(10, 0));
});

test("what stands between them is passed, as far as fewer are passed than held back", () => {
  const few = withUntouched(backlog(20, 0), [...upTo(0, 8), 9, ...upTo(12, 19)]);
  assert.deepEqual(few, backlog(0, 16, [8, 10, 11, 19]));
  // From 0 on twelve would be passed for one.
  const far = withUntouched(backlog(20, 2, [21]), [0, ...upTo(13, 20)]);
  assert.deepEqual(far, backlog(13, 9, [21]));
  assert.deepEqual(withUntouched(backlog(1_000, 0), [0, 1, 2]), backlog(1_000, 0));
});

test("every offset is told once: held back, passed, or before the cursor", () => {
  let told = 0;
  for (let pattern = 1; pattern < 2 ** 12; pattern++) {
    const sequences = upTo(0, 12).filter((offset) => pattern & (1 << offset));
    const { cursor, heldBack, skip } = withUntouched(backlog(12, 0), sequences);
    const held = upTo(cursor, 12).filter((offset) => !skip.includes(offset));
    assert.deepEqual(
      held,
      sequences.filter((sequence) => sequence >= cursor),
    );
    assert.equal(heldBack, held.length);
    assert.ok(skip.length <= heldBack);
    told += held.length;
  }
  assert.ok(told > 0);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { QueueState } from "../../broker/queue-state.ts";
import {
  type Backlog,
  checkpointParts,
  type LivingFacts,
  untouchedOf,
  withUntouched,
} from "./checkpoint.ts";
import { QueueReplay } from "./queue-replay.ts";

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

test("parts are of bounded size, however long keys are and however much is passed", () => {
  const living = upTo(0, 300).map((sequence): LivingFacts => [
    sequence,
    sequence,
    0,
    1,
    0,
    0,
    "\u0000".repeat(30_000),
  ]);
  const passed = backlog(400, 5, upTo(400, 500_000));
  const parts = checkpointParts(living, [], passed);
  for (const part of parts) assert.ok(JSON.stringify(part).length < 3 * 1024 * 1024);
  assert.deepEqual(
    parts.flatMap((part) => part.living),
    living,
  );
  const replay = new QueueReplay(0);
  for (const part of parts) replay.load(part);
  assert.deepEqual(
    { ...replay.backlog, skip: replay.backlog.skip.toSorted((a, b) => a - b) },
    passed,
  );
});

test("a redriven message is told where a later one of its key is, waiting or dead", () => {
  const state = new QueueState({ attempts: 5, keyOrder: true });
  const keys = ["a", "b", "c", "a", "b", "c", "a"];
  for (const [sequence, key] of keys.entries()) {
    state.add({ sequence, sentMs: 0, key, readyMs: 0 }, 0);
  }
  const lease = { token: "t", endsMs: 1 };
  const death = { deadMs: 0, cause: { code: "E", message: "" } };
  for (const sequence of [0, 1, 2]) {
    state.take(state.get(sequence)!, lease);
    state.bury(state.get(sequence)!, death);
  }
  for (const sequence of [3, 4]) state.take(state.get(sequence)!, lease);
  state.release(state.get(3)!, { readyMs: 0, nowMs: 0, countAttempt: true });
  state.bury(state.get(4)!, death);
  for (const sequence of [0, 1, 2]) state.redrive(state.getDead(sequence)!, 0);
  const untouched = untouchedOf([...state.entries()], [...state.deadLetters()]);
  assert.deepEqual(
    untouched.map(({ sequence }) => sequence).toSorted((a, b) => a - b),
    [2, 5, 6],
  );
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { rangesOf, type Verdict } from "./answers.ts";

test("deliveries with following numbers share a range only where the same is said of them", () => {
  const no = { condition: "app:no", description: "no" };
  const other = { condition: "app:no", description: "other" };
  const ranges = (...answers: readonly (readonly [number, Verdict])[]): string[] =>
    rangesOf(answers.map(([id, verdict]) => ({ id, verdict }))).map(
      ({ first, last, verdict }) =>
        `${first}-${last} ${typeof verdict === "string" ? verdict : verdict.description}`,
    );
  assert.deepEqual(ranges(), []);
  assert.deepEqual(ranges([1, "accepted"], [2, no]), ["1-1 accepted", "2-2 no"]);
  assert.deepEqual(ranges([1, no], [2, no], [3, other]), ["1-2 no", "3-3 other"]);
  assert.deepEqual(ranges([1, no], [2, "accepted"], [3, "accepted"], [4, "released"]), [
    "1-1 no",
    "2-3 accepted",
    "4-4 released",
  ]);
  assert.deepEqual(ranges([7, "accepted"], [9, "accepted"], [8, "accepted"]), [
    "7-7 accepted",
    "9-9 accepted",
    "8-8 accepted",
  ]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { documentJson, parseDocument } from "./document-json.ts";

test("a document comes back with the kinds of numbers it had", () => {
  const state = {
    small: 5n,
    negative: -7n,
    big: 9_007_199_254_740_993n,
    huge: 123_456_789_012_345_678_901n,
    sixteen: 1_234_567_890_123_456n,
    double: 2 ** 60,
    safe: 1_735_689_600_000,
    largest: Number.MAX_SAFE_INTEGER,
    fraction: 0.1,
    third: 1 / 3,
    text: "5.0 and 9007199254740993",
    nested: [{ a: null, b: true, c: [1n, 2] }],
  };
  assert.deepEqual(parseDocument(documentJson(state)), state);
});

test("other readers find the same values", () => {
  assert.equal(
    documentJson({ a: 5n, b: 9_007_199_254_740_993n, c: 1 }),
    '{"a":5.0,"b":9007199254740993,"c":1}',
  );
});

test("a state without a JSON form is refused", () => {
  const cycle: { self?: unknown } = {};
  cycle.self = cycle;
  assert.throws(() => documentJson(cycle), { code: "BAD_PAYLOAD" });
  assert.throws(() => documentJson(undefined), { code: "BAD_PAYLOAD" });
});

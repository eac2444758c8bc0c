import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../model/errors.ts";
import { formatOffsets, parseOffsetExpression } from "./offset-expression.ts";

const JANUARY = Date.UTC(2026, 0, 1);

test("every form of offset expression is understood", () => {
  assert.deepEqual(parseOffsetExpression("start"), { at: "start" });
  assert.deepEqual(parseOffsetExpression("end"), { at: "end" });
  assert.deepEqual(parseOffsetExpression("-10"), { at: "beforeEnd", count: 10 });
  assert.deepEqual(parseOffsetExpression("+5"), { at: "afterPosition", count: 5 });
  assert.deepEqual(parseOffsetExpression("123"), { at: "offset", offset: 123 });
  assert.deepEqual(parseOffsetExpression("0"), { at: "offset", offset: 0 });
  assert.deepEqual(parseOffsetExpression("0:120,3:7"), {
    at: "offsets",
    offsets: new Map([
      [0, 120],
      [3, 7],
    ]),
  });
});

test("a moment is UTC unless it names a zone, and may leave out what is zero", () => {
  const timeOf = (text: string): number => {
    const expression = parseOffsetExpression(text);
    assert.ok(expression.at === "time");
    return expression.timeMs;
  };
  assert.equal(timeOf("@2026-01-01"), JANUARY);
  assert.equal(timeOf("@2026-01-01T00:00"), JANUARY);
  assert.equal(timeOf("@2026-01-01T00:00Z"), JANUARY);
  assert.equal(timeOf("@2026-01-01T00:00:01.5"), JANUARY + 1_500);
  assert.equal(timeOf("@2026-01-01T00:00+01:00"), JANUARY - 3_600_000);
});

test("anything else is refused with the forms, or with what is wrong in the form", () => {
  const refused: readonly (readonly [text: string, says: RegExp])[] = [
    ["", /start, end, -10, \+5, 123, @2026/],
    ["beginning", /"beginning" is no offset expression: use one of start/],
    ["START", /use one of start/],
    ["--10", /use one of/],
    ["1.5", /use one of/],
    [" 1", /use one of/],
    ["1e3", /use one of/],
    ["99999999999999999999", /largest offset is 9007199254740991/],
    ["-99999999999999999999", /largest offset/],
    ["@", /after @ stands a moment/],
    ["@yesterday", /after @ stands a moment/],
    ["@2026-02-31", /after @ stands a moment/],
    ["@2026-01-01T25:00", /after @ stands a moment/],
    ["@2026-01-01 00:00", /after @ stands a moment/],
    ["0:1,0:2", /names partition 0 twice/],
    ["0:1,", /use one of/],
    ["0:-1", /use one of/],
  ];
  for (const [text, says] of refused) {
    assert.throws(
      () => parseOffsetExpression(text),
      (error) => isMillraceError(error, "BAD_ARGUMENT") && says.test(error.message),
      text,
    );
  }
});

test("offsets are written in the form that is read back", () => {
  const offsets = [
    { partition: 0, offset: 120 },
    { partition: 1, offset: 7 },
  ];
  const text = formatOffsets(offsets);
  assert.equal(text, "0:120,1:7");
  const read = parseOffsetExpression(text);
  assert.ok(read.at === "offsets");
  assert.deepEqual(
    Array.from(read.offsets, ([partition, offset]) => ({ partition, offset })),
    offsets,
  );
});

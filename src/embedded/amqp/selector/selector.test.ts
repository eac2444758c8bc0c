import assert from "node:assert/strict";
import { test } from "node:test";
import type { SelectorValue } from "./condition.ts";
import { parseSelector, SelectorRefused } from "./selector.ts";

const MESSAGE: Readonly<Record<string, SelectorValue>> = {
  size: 3,
  color: "red",
  note: "50% off_today",
  hot: true,
  quote: "it's",
};

function chooses(selector: string): boolean {
  return parseSelector(selector)((name) => MESSAGE[name]);
}

const TRUE = [
  "size = 3",
  "size <> 4 AND size > 2.5 AND size <= 3e0",
  "color = 'red' OR missing = 1",
  "NOT (color = 'blue')",
  "color IN ('blue', 'red')",
  "color NOT IN ('blue')",
  "size BETWEEN 1 AND 3",
  "note LIKE '50\\% off\\_%' ESCAPE '\\'",
  "color LIKE 'r_d'",
  "note NOT LIKE '%tomorrow'",
  "missing IS NULL AND color IS NOT NULL",
  "hot AND hot = TRUE",
  "quote = 'it''s'",
  "size > -1",
];

const NOT_TRUE = [
  "size = 4",
  "size = '3'",
  "missing = 1",
  "NOT missing = 1",
  "missing IN (1)",
  "missing NOT IN (1)",
  "color > 'a'",
  "color LIKE 'R%'",
  "missing LIKE '%'",
  "missing AND hot",
];

for (const selector of TRUE) {
  test(`${selector} chooses the message`, () => assert.equal(chooses(selector), true));
}

for (const selector of NOT_TRUE) {
  test(`${selector} does not choose the message`, () => assert.equal(chooses(selector), false));
}

test("arithmetic is told apart from what is wrong", () => {
  const refusal = (selector: string): boolean => {
    try {
      parseSelector(selector);
    } catch (error) {
      if (error instanceof SelectorRefused) return error.unsupported;
      throw error;
    }
    assert.fail(`${selector} was taken`);
  };
  for (const selector of ["size + 1 = 4", "size = (1)", "a * 2 > 1"]) {
    assert.equal(refusal(selector), true, selector);
  }
  for (const selector of [
    "",
    "size =",
    "size = 'open",
    "a = 1 b",
    "(a = 1",
    "a LIKE b",
    "a IN ()",
  ]) {
    assert.equal(refusal(selector), false, selector);
  }
  assert.equal(refusal(`${"(".repeat(1_000)}a = 1${")".repeat(1_000)}`), false);
});

test("a pattern of many wildcards takes no time that grows with each", () => {
  const pattern = `${"%a".repeat(40)}b`;
  assert.equal(
    parseSelector(`x LIKE '${pattern}'`)(() => "a".repeat(2_000)),
    false,
  );
});

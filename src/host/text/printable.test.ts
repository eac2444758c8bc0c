import assert from "node:assert/strict";
import { test } from "node:test";
import { printable, printableJson, printableLines } from "./printable.ts";

const EVIL = "a\u001B[31m\u009B2J\u202Eb\u2028\u2066\u007Fé€😀";

test("no control, no line end and no mark of writing direction passes, and all letters do", () => {
  assert.equal(printable(EVIL), "a\\x1b[31m\\x9b2J\\u202eb\\u2028\\u2066\\x7fé€😀");
  assert.equal(printable("a\nb\tc"), "a\\x0ab\\x09c");
  assert.equal(printableLines(`${EVIL}\r\n  at`), `${printable(EVIL)}\\x0d\n  at`);
});

test("JSON stays the same value, with nothing in its text that a terminal obeys", () => {
  const json = JSON.stringify({ text: EVIL }, undefined, 1);
  const safe = printableJson(json);
  assert.deepEqual(JSON.parse(safe), { text: EVIL });
  assert.equal(printableLines(safe), safe);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "../../model/errors.ts";
import { reportFailure } from "./failure-report.ts";

const full = new MillraceError("DISK_FULL", "no room", { cause: new Error("ENOSPC") });

test("an error that can happen is told with its text, its code and its exit code", () => {
  assert.deepEqual(reportFailure(full, { json: false, debug: false }), {
    text: "millrace: no room (DISK_FULL)",
    exit: 1,
  });
  const gone = new MillraceError("UNREACHABLE", "nobody answers");
  assert.equal(reportFailure(gone, { json: false, debug: false }).exit, 69);
});

test("a defect is called one, and tells how to learn more", () => {
  const report = reportFailure(new TypeError("x is not a function"), { json: false, debug: false });
  assert.equal(
    report.text,
    "millrace: a defect of Millrace or of your code: TypeError: x is not a function; --debug shows where",
  );
  assert.equal(report.exit, 1);
});

test("a stack, with its causes, is shown with --debug alone", () => {
  assert.doesNotMatch(reportFailure(full, { json: false, debug: false }).text, /\n/);
  assert.match(reportFailure(full, { json: false, debug: true }).text, /caused by Error: ENOSPC/);
  assert.deepEqual(JSON.parse(reportFailure(full, { json: true, debug: false }).text), {
    error: { code: "DISK_FULL", message: "no room", retryable: true, details: {} },
  });
});

test("an error text that quotes a stranger cannot drive the terminal", () => {
  const evil = new MillraceError("UNKNOWN_TYPE", "no type \u001B[31m\u009B2J");
  const { text } = reportFailure(evil, { json: false, debug: false });
  assert.equal(text, "millrace: no type \\x1b[31m\\x9b2J (UNKNOWN_TYPE)");
  const { error } = JSON.parse(reportFailure(evil, { json: true, debug: false }).text);
  assert.equal(error.message, evil.message);
  assert.doesNotMatch(reportFailure(evil, { json: true, debug: false }).text, /\u009B/);
});

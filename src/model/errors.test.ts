import assert from "node:assert/strict";
import { test } from "node:test";
import { assert as invariant, InvariantBroken } from "./assert.ts";
import { ERROR_CODES, EXIT, isMillraceError, MillraceError } from "./errors.ts";
import { valuesOf } from "./outcome.ts";

test("an error carries its code's facts, its data and its cause, and is plain JSON", () => {
  const cause = new Error("ENOSPC");
  const error = new MillraceError("DISK_FULL", "2 MB are free, 64 MB must be; free some", {
    cause,
    details: { freeBytes: 2_000_000 },
  });
  assert.equal(error.retryable, true);
  assert.equal(error.cause, cause);
  assert.deepEqual(JSON.parse(JSON.stringify(error)), {
    code: "DISK_FULL",
    message: "2 MB are free, 64 MB must be; free some",
    retryable: true,
    details: { freeBytes: 2_000_000 },
  });
  assert.equal(new MillraceError("DISK_FULL", "x", { retryable: false }).retryable, false);
  assert.ok(!("cause" in new MillraceError("CLOSED", "x")));
});

test("an error is told by its code, and no other error passes for one", () => {
  const error = new MillraceError("CLOSED", "x");
  assert.ok(isMillraceError(error));
  assert.ok(isMillraceError(error, "CLOSED"));
  assert.ok(!isMillraceError(error, "FENCED"));
  assert.ok(!isMillraceError(Object.assign(new Error("x"), { code: "CLOSED" })));
  assert.ok(!isMillraceError(undefined));
});

test("every code has an exit code of the table and a sentence of meaning", () => {
  const codes = Object.entries(ERROR_CODES);
  assert.ok(codes.length > 30);
  for (const [code, { exit, meaning }] of codes) {
    assert.match(code, /^[A-Z]+(_[A-Z]+)*$/);
    assert.ok(Object.values<number>(EXIT).includes(exit), code);
    assert.match(meaning, /^[A-Z].*\.$/, code);
  }
});

test("a broken invariant is no error that a caller could expect", () => {
  assert.throws(() => invariant(0, "offsets grow"), InvariantBroken);
  assert.ok(!isMillraceError(new InvariantBroken("offsets grow")));
  invariant(true, "holds");
});

test("the values of a batch are returned in order, or its first failure thrown", () => {
  const failed = { ok: false, error: new MillraceError("TOO_LARGE", "x") } as const;
  assert.deepEqual(
    valuesOf([
      { ok: true, value: 1 },
      { ok: true, value: 2 },
    ]),
    [1, 2],
  );
  assert.throws(() => valuesOf([{ ok: true, value: 1 }, failed]), failed.error);
});

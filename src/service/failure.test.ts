import assert from "node:assert/strict";
import { test } from "node:test";
import { parkCause, textOf } from "./failure.ts";

test("whatever a handler throws has a text to be kept and logged", () => {
  const mute = Object.create(null);
  const strange = Object.assign(new Error("plain"), { message: mute, stack: 7, name: Symbol("s") });
  for (const thrown of [mute, strange, Symbol("s"), undefined, null, 0, "text"]) {
    const cause = parkCause(thrown, "bug", 2);
    assert.equal(typeof textOf(thrown), "string");
    assert.deepEqual(
      [cause.code, cause.message, cause.stack ?? ""].map((part) => typeof part),
      ["string", "string", "string"],
    );
    assert.equal(cause.attempts, 2);
  }
  assert.match(parkCause(mute, "bug", 1).message, /has no text/);
  assert.equal(parkCause("text", "bug", 1).message, "text");
});

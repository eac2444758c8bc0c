import assert from "node:assert/strict";
import { test } from "node:test";
import { MillraceError } from "../../../model/errors.ts";
import { inDoubt } from "./publish.ts";

const gone = new MillraceError("UNREACHABLE", "nobody answers");
const lines = [{ number: 3 }, { number: 4 }];

test("lines in doubt are named, and only those with ids are said to be safe to publish again", () => {
  const safe = inDoubt(gone, lines, [{ id: "a" }, { id: "b" }]);
  assert.equal(safe.code, "UNREACHABLE");
  assert.match(safe.message, /lines 3 to 4 .*publish again from line 3/);
  const unsafe = inDoubt(gone, lines, [{ id: "a" }, {}]);
  assert.match(unsafe.message, /would count twice.*--id-field/);
  assert.doesNotMatch(unsafe.message, /publish again from/);
});

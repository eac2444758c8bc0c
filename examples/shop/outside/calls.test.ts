import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { Calls } from "./calls.ts";

test("a line cut by a crash is forgotten, and what is answered after it is kept", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-calls-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "calls.ndjson");
  const { signal } = new AbortController();
  for (const [index, key] of ["a", "b", "c"].entries()) {
    const calls = new Calls<number>("the test");
    calls.keepIn(file);
    assert.deepEqual(calls.answers, [0, 1, 2].slice(0, index));
    await calls.answer({ idempotencyKey: key, signal }, () => index);
    appendFileSync(file, '{"key":"cut","ans');
  }
});

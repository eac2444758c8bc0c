import assert from "node:assert/strict";
import { test } from "node:test";
import { apiNames } from "./codec/api-keys.ts";
import { DIFFERENCES } from "./differences.ts";

test("each difference is a sentence of its own, of a request that is served", () => {
  const names: ReadonlySet<string> = new Set(["all", ...apiNames()]);
  const told = Object.entries(DIFFERENCES).flatMap(([name, sentences]) => {
    assert.ok(names.has(name), name);
    return sentences;
  });
  for (const sentence of told) assert.match(sentence, /^[A-Za-z].*[^.]\.$/, sentence);
  assert.ok(told.length > 20);
  assert.equal(new Set(told).size, told.length);
});

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { isLoneStart } from "./lone-start.ts";

test("only a start without any configuration is one of the broker alone", () => {
  const folder = mkdtempSync(join(tmpdir(), "millrace-lone-"));
  try {
    const alone = (...args: string[]): boolean =>
      isLoneStart(["node", "millrace", ...args], folder);
    assert.equal(alone("start", "--data", "d", "--http-port", "0"), true);
    assert.equal(alone("run"), false);
    assert.equal(alone(), false);
    assert.equal(alone("start", "--config", "other.ts"), false);
    assert.equal(alone("start", "--config=other.ts"), false);
    writeFileSync(join(folder, "millrace.config.mjs"), "");
    assert.equal(alone("start"), false);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

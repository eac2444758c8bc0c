import assert from "node:assert/strict";
import { test } from "node:test";
import { readLines } from "./lines.ts";

async function linesOf(chunks: readonly (string | Uint8Array)[], max = 20): Promise<unknown[]> {
  async function* input(): AsyncGenerator<Uint8Array> {
    for (const chunk of chunks) yield typeof chunk === "string" ? Buffer.from(chunk) : chunk;
  }
  const found: unknown[] = [];
  for await (const lines of readLines(input(), max)) {
    for (const { number, text } of lines) {
      found.push([number, typeof text === "string" ? text : text.code]);
    }
  }
  return found;
}

test("lines are whole however they are cut into chunks", async () => {
  const text = "a\nzwölf\n\n  \nlast";
  const expected = [
    [1, "a"],
    [2, "zwölf"],
    [5, "last"],
  ];
  const bytes = Buffer.from(text);
  for (let cut = 0; cut <= bytes.length; cut++) {
    assert.deepEqual(await linesOf([bytes.subarray(0, cut), bytes.subarray(cut)]), expected);
  }
});

test("a line that is too long fails alone, and the next ones come", async () => {
  assert.deepEqual(await linesOf(["ok\n", "x".repeat(15), "x".repeat(15), "\nnext\n"]), [
    [1, "ok"],
    [2, "TOO_LARGE"],
    [3, "next"],
  ]);
});

test("a line that is no UTF-8 fails alone", async () => {
  assert.deepEqual(await linesOf([Uint8Array.of(0xff, 0x0a), "next"]), [
    [1, "BAD_JSON"],
    [2, "next"],
  ]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeText } from "./text-bytes.ts";

test("texts of any length and script become their UTF-8, and none writes over another", () => {
  const pieces = ["", "a", "zwölf", "€".repeat(300), "😀".repeat(256), "\ud800", "x".repeat(600)];
  const texts = Array.from({ length: 200 }, (_, at) => `${at}${pieces[at % pieces.length]}`);
  const encoded = texts.map(encodeText);
  for (const [at, bytes] of encoded.entries()) {
    assert.deepEqual(bytes, new TextEncoder().encode(texts[at]), `text ${at}`);
  }
});

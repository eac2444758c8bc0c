import assert from "node:assert/strict";
import { test } from "node:test";
import { createSeededRandom } from "../model/ids.ts";
import { compareTexts, compareValues, formatCursor, parseSearch } from "./document-search.ts";

const SPEC = { name: "orders", index: ["total"] };

test("texts compare as their UTF-8 bytes do", () => {
  const random = createSeededRandom(7);
  const alphabet = ["a", "b", "\u007f", "\u0080", "\u07ff", "\uFF5E", "\ue000", "🚀", "\u{10ffff}"];
  const word = (): string =>
    Array.from(
      { length: Math.floor(random.next() * 4) },
      () => alphabet[Math.floor(random.next() * 9)],
    ).join("");
  let different = 0;
  for (let round = 0; round < 5000; round++) {
    const [a, b] = [word(), word()];
    const bytes = Buffer.compare(Buffer.from(a), Buffer.from(b));
    assert.equal(Math.sign(compareTexts(a, b)), bytes, JSON.stringify([a, b]));
    if (bytes !== Math.sign(a < b ? -1 : Number(a > b))) different++;
  }
  assert.ok(different > 0, "JavaScript's own order would not have passed");
});

test("values of different types have an order too", () => {
  const ordered = [null, -1, 0, 2, "", "1", "a", false, true];
  for (const [left, a] of ordered.entries()) {
    for (const [right, b] of ordered.entries()) {
      assert.equal(Math.sign(compareValues(a, b)), Math.sign(left - right));
    }
  }
});

test("a cursor brings every kind of place back, as text that a URL bears", () => {
  for (const value of [null, -1.5, 0, "", "größe 🚀", true, false]) {
    const next = formatCursor("-total", { value, id: "o/1 ü" });
    assert.match(next, /^[\w-]+$/);
    const { after, descending, order } = parseSearch(SPEC, { order: "-total", after: next });
    assert.deepEqual(
      { after, descending, order },
      {
        after: { value, id: "o/1 ü" },
        descending: true,
        order: "total",
      },
    );
  }
});

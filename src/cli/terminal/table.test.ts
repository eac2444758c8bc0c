import assert from "node:assert/strict";
import { test } from "node:test";
import { formatTable } from "./table.ts";

interface Row {
  readonly name: string;
  readonly lag?: number;
}

const columns = [
  { title: "name", value: (row: Row) => row.name },
  { title: "lag", value: (row: Row) => row.lag },
];

test("columns are as wide as their content, numbers stand to the right", () => {
  assert.deepEqual(
    formatTable([{ name: "orders", lag: 1200 }, { name: "a", lag: 3 }, { name: "bb" }], columns),
    ["NAME     LAG", "orders  1200", "a          3", "bb         -"],
  );
});

test("no rows make no table", () => {
  assert.deepEqual(formatTable([], columns), []);
});

test("a line wider than the terminal is cut with a mark", () => {
  const [, line = ""] = formatTable([{ name: "x".repeat(50) }], columns, 20);
  assert.equal(Array.from(line).length, 20);
  assert.ok(line.endsWith("…"));
});

test("a key with control characters can neither break the line nor colour the terminal", () => {
  const lines = formatTable([{ name: "a\nb\u001B[31mred" }], columns);
  assert.equal(lines.length, 2);
  assert.equal(lines[1], "a\\x0ab\\x1b[31mred    -");
});

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import {
  ANNOTATIONS_READ,
  ANNOTATIONS_WRITTEN,
  CAPABILITIES,
  DECLINED,
  FILTERS,
  OUTCOMES,
  PERFORMATIVES,
} from "./differences.ts";
import { readMessage } from "./message/incoming-message.ts";
import { describedValue, mapValue, symbolValue, timestampValue } from "./protocol/value-writer.ts";
import { binaryValue, uintValue } from "./protocol/value-writer.ts";
import { DATA, MESSAGE_ANNOTATIONS } from "./message/sections.ts";
import { readFilters } from "./nodes/filters.ts";
import { SelectorRefused } from "./selector/selector.ts";

test("the filters that are told are understood, and any other is refused", () => {
  for (const { name } of FILTERS) {
    const value = name.includes("selector") ? "a = 1" : "earliest";
    const { selector, from } = readFilters(new Map([["f", { descriptor: name, value }]]));
    assert.equal(selector ?? from, value, name);
  }
  const other = new Map([["f", { descriptor: "apache.org:no-local-filter:list", value: "x" }]]);
  assert.throws(() => readFilters(other), SelectorRefused);
  assert.equal(FILTERS.length, 3);
});

test("the annotations that are read have the meaning that is told", () => {
  const read = (name: string, value: Buffer) => {
    const annotations = mapValue([symbolValue(name), value]);
    const body = describedValue(DATA, binaryValue(Buffer.from("x")));
    const bytes = Buffer.concat([describedValue(MESSAGE_ANNOTATIONS, annotations), body]);
    return readMessage(bytes, 0, 1_000);
  };
  assert.deepEqual(
    ANNOTATIONS_READ.map(({ name }) => name),
    ["x-opt-delivery-time", "x-opt-delivery-delay", "x-opt-partition-key"],
  );
  assert.equal(read("x-opt-delivery-time", timestampValue(1_500)).delayMs, 500);
  assert.equal(read("x-opt-delivery-delay", uintValue(700)).delayMs, 700);
  assert.equal(read("x-opt-partition-key", symbolValue("k")).message.key, "k");
  assert.equal(read("x-opt-unknown", symbolValue("k")).message.key, null);
});

test("the annotations that are told are all that the door writes", () => {
  const sources = globSync("links/*.ts", { cwd: import.meta.dirname });
  const text = sources.map((path) => readFileSync(`${import.meta.dirname}/${path}`, "utf8")).join();
  const written = new Set([...text.matchAll(/\["(x-opt-[a-z-]+)"/g)].map(([, name]) => name));
  assert.deepEqual(written, new Set(ANNOTATIONS_WRITTEN.map(({ name }) => name)));
});

test("what is declined is told in sentences, and nothing is told twice", () => {
  for (const sentence of DECLINED) assert.match(sentence, /^[A-Z].*[^.]\.$/, sentence);
  const names = [PERFORMATIVES, OUTCOMES, CAPABILITIES, ANNOTATIONS_READ, ANNOTATIONS_WRITTEN];
  const rows = names.flat().map(({ name }) => name);
  assert.equal(new Set(rows).size, rows.length);
  assert.ok(DECLINED.length > 5);
});

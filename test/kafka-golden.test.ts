/**
 * Our codec against Kafka's: `test/kafka-golden/messages.ndjson.gz` holds what Kafka's generated classes
 * wrote and what they read again, for every message in every version (scripts/kafka-golden.ts).
 */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { decodeMessage, encodeMessage } from "../src/embedded/kafka/codec/message-codec.ts";
import type { AnyMessageTable } from "../src/embedded/kafka/codec/message-table.ts";
import { allTables } from "../src/embedded/kafka/codec/random-message-stage.test.ts";
import { versionRange } from "../src/embedded/kafka/codec/struct-plan.ts";

interface GoldenMessage {
  readonly message: string;
  readonly version: number;
  readonly variant: "empty" | "full" | "extreme" | "null" | "unknown_tags";
  readonly hex: string;
  readonly content: unknown;
}

const golden: readonly GoldenMessage[] = gunzipSync(
  readFileSync("test/kafka-golden/messages.ndjson.gz"),
)
  .toString()
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line, roundedLong));

const tables: ReadonlyMap<string, AnyMessageTable> = new Map(
  allTables.map((table) => [table.name, table]),
);

/** Kafka's end of the range is ours: the nearest safe integer. */
function roundedLong(_name: string, value: unknown): unknown {
  return value === 2 ** 63 ? Number.MAX_SAFE_INTEGER : value;
}

/** Bytes as the golden file has them. */
function comparable(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return value.toString("base64");
  if (Array.isArray(value)) return value.map(comparable);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [name, comparable(field)]),
  );
}

test("every message of Kafka's, in every version, is read as Kafka reads it", (t) => {
  let fields = 0;
  for (const { message, version, variant, hex, content } of golden) {
    const bytes = Buffer.from(hex, "hex");
    const found = comparable(decodeMessage<object>(tables.get(message)!, version, bytes));
    assert.deepEqual(found, content, `${message} v${version} ${variant}`);
    fields += JSON.stringify(content).split(":").length - 1;
  }
  assert.ok(golden.length > 2000 && fields > 10_000, `${golden.length} messages, ${fields} fields`);
  t.diagnostic(`${golden.length} messages with ${fields} fields compared`);
});

test("and is written byte for byte as Kafka writes it", (t) => {
  let compared = 0;
  let bytesCompared = 0;
  // Tags that no table knows are dropped on reading: what is written is the same message without them.
  const plain = new Map(
    golden
      .filter(({ variant }) => variant === "full")
      .map(({ message, version, hex }) => [`${message} ${version}`, hex]),
  );
  for (const { message, version, variant, hex } of golden) {
    const table = tables.get(message)!;
    const decoded = decodeMessage<object>(table, version, Buffer.from(hex, "hex"));
    const expected = variant === "unknown_tags" ? plain.get(`${message} ${version}`) : hex;
    const written = encodeMessage<object>(table, version, decoded);
    assert.equal(written.toString("hex"), expected, `${message} v${version} ${variant}`);
    compared++;
    bytesCompared += written.length;
  }
  assert.ok(compared > 2000);
  t.diagnostic(`${compared} messages with ${bytesCompared} bytes compared`);
});

test("no version of any message is left out", (t) => {
  const seen = new Set(golden.map(({ message, version }) => `${message} ${version}`));
  let versions = 0;
  for (const [name, { validVersions }] of tables) {
    const [first, last] = versionRange(validVersions);
    for (let version = first; version <= last; version++) {
      assert.ok(seen.delete(`${name} ${version}`), `${name} v${version} is not compared`);
      versions++;
    }
  }
  assert.deepEqual([...seen], []);
  assert.ok(tables.size >= 79 && versions > 400);
  t.diagnostic(`${tables.size} messages in ${versions} versions`);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../model/errors.ts";
import type { RawMessage } from "../model/message.ts";
import { LIMITS } from "../model/limits.ts";
import {
  checkBatchCount,
  checkName,
  checkQueueSpec,
  checkStreamSpec,
  tooLarge,
} from "./validate.ts";

const message = (over: Partial<RawMessage>): RawMessage => ({
  key: null,
  headers: [],
  value: null,
  ...over,
});
const badArgument = (error: unknown): boolean => isMillraceError(error, "BAD_ARGUMENT");

test("a name that could not be a Kafka topic is refused with the rule", () => {
  for (const name of ["orders", "a.b_c-9", "x".repeat(249)]) checkName("stream", name);
  for (const name of ["", ".", "..", "a/b", "é", "x".repeat(250)]) {
    assert.throws(() => checkName("stream", name), badArgument, name);
  }
});

test("a message at a limit passes and one byte more is refused, also when letters take several bytes", () => {
  const fits = message({ value: new Uint8Array(LIMITS.messageBytesMax) });
  assert.equal(tooLarge("orders", fits), undefined);
  const cases: RawMessage[] = [
    message({ value: new Uint8Array(LIMITS.messageBytesMax + 1) }),
    message({ value: new Uint8Array(LIMITS.messageBytesMax), key: "k" }),
    message({ key: "é".repeat(LIMITS.keyBytesMax / 2 + 1) }),
    message({ key: new Uint8Array(LIMITS.keyBytesMax + 1) }),
    message({ headers: [["h", "v".repeat(LIMITS.headerBytesMax)]] }),
    message({ headers: Array.from({ length: LIMITS.headersMax + 1 }, () => ["h", "v"] as const) }),
  ];
  for (const [index, large] of cases.entries()) {
    assert.equal(tooLarge("orders", large)?.code, "TOO_LARGE", `case ${index}`);
  }
  assert.equal(tooLarge("orders", message({ key: "é".repeat(LIMITS.keyBytesMax / 2) })), undefined);
});

test("settings out of range are refused by name", () => {
  assert.throws(() => checkStreamSpec({ name: "s", partitions: 0 }), badArgument);
  assert.throws(
    () => checkStreamSpec({ name: "s", partitions: 1, retention: { ageMs: -1 } }),
    badArgument,
  );
  assert.throws(() => checkQueueSpec({ name: "q", attempts: 0 }), badArgument);
  assert.throws(() => checkQueueSpec({ name: "q", leaseMs: 0.5 }), badArgument);
  assert.throws(
    () => checkBatchCount("append to s", LIMITS.batchCountMax + 1),
    /send several smaller/,
  );
});

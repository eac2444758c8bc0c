import assert from "node:assert/strict";
import { test } from "node:test";
import { isMillraceError } from "../../model/errors.ts";
import { parseMessage, parseTarget, type MessageMapping } from "./message-input.ts";

const context = { nowMs: Date.UTC(2026, 0, 1) };

function refusal(text: string, mapping: MessageMapping = {}): string {
  try {
    parseMessage(text, mapping, context);
  } catch (error) {
    assert.ok(isMillraceError(error), String(error));
    return `${error.code}: ${error.message}`;
  }
  return "accepted";
}

test("a CloudEvent becomes a message with its attributes", () => {
  assert.deepEqual(
    parseMessage(
      '{"specversion":"1.0","type":"order.placed","source":"shop","id":"7","subject":"o1","time":"2025-01-01T00:00:00Z","schemaversion":"2","partner":"acme","data":{"total":5}}',
      {},
      context,
    ),
    {
      type: "order.placed",
      source: "shop",
      id: "7",
      key: "o1",
      time: Date.UTC(2025, 0, 1),
      version: 2,
      extensions: { partner: "acme" },
      dataJson: '{"total":5}',
    },
  );
});

test("a plain line becomes a message, and options overrule it", () => {
  assert.deepEqual(
    parseMessage('{"type":"order.placed","key":"o1","data":[1]}', { key: "o2" }, context),
    { type: "order.placed", key: "o2", dataJson: "[1]" },
  );
});

test("with a type named, the whole line is the payload and fields are found by path", () => {
  const line =
    '{"id":17244207336,"type":"PushEvent","repo":{"name":"a/b"},"created_at":"2021-07-21T06:00:00Z"}';
  assert.deepEqual(
    parseMessage(
      line,
      {
        typeField: "type",
        keyField: "repo.name",
        idField: "id",
        timeField: "created_at",
        to: parseTarget("gh"),
      },
      context,
    ),
    {
      type: "PushEvent",
      key: "a/b",
      id: "17244207336",
      time: Date.UTC(2021, 6, 21, 6),
      to: { kind: "stream", name: "gh" },
      dataJson: line,
    },
  );
});

test("a payload keeps digits that a JavaScript number would lose", () => {
  const big = '{"n":12345678901234567890.10}';
  assert.equal(parseMessage(`{"type":"t","data": ${big} }`, {}, context).dataJson, big);
  assert.equal(parseMessage(big, { type: "t" }, context).dataJson, big);
});

test("a number of too many digits is no id: it would be another one", () => {
  assert.match(
    refusal('{"id":12345678901234567890}', { type: "t", idField: "id" }),
    /BAD_ENVELOPE: the id should stand in id, which is not a text or a safe whole number/,
  );
});

test("what is missing is named, with the remedy", () => {
  assert.match(refusal("{"), /^BAD_JSON: not JSON/);
  assert.match(refusal("[1]"), /^BAD_ENVELOPE: .*--type/);
  assert.match(refusal('{"data":{}}'), /^BAD_ENVELOPE: .*\btype\b.*missing/);
  assert.match(refusal('{"type":"t"}'), /^BAD_ENVELOPE: .*\bdata\b/);
  assert.match(
    refusal('{"specversion":"1.0","type":"t","source":"s","data":1}'),
    /^BAD_ENVELOPE: .*\bid\b/,
  );
  assert.match(
    refusal('{"a":{}}', { type: "t", keyField: "a.b" }),
    /BAD_ENVELOPE: the key should stand in a.b, which is missing/,
  );
  assert.match(
    refusal('{"at":"yesterday"}', { type: "t", timeField: "at" }),
    /time in at is neither/,
  );
});

test("a target is a stream or a queue", () => {
  assert.deepEqual(parseTarget("queue:desk"), { kind: "queue", name: "desk" });
  assert.deepEqual(parseTarget("stream:orders"), { kind: "stream", name: "orders" });
  assert.throws(() => parseTarget("topic:orders"), { code: "BAD_ARGUMENT" });
});

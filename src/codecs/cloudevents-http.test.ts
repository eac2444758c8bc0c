import assert from "node:assert/strict";
import { test } from "node:test";
import type { Envelope } from "../model/envelope.ts";
import { binaryHeaders, structuredText } from "./cloudevents-http-writer.ts";
import { readBinary, readStructured } from "./cloudevents-http.ts";

const nowMs = Date.UTC(2026, 0, 31);
const envelope: Envelope = {
  id: "o1/ü 100%",
  type: "order.placed",
  kind: "event",
  version: 2,
  source: "shop",
  key: 'a "quoted" key',
  time: nowMs,
  actor: "zoë",
  extensions: { tenant: "emoji 😀" },
};
const dataJson = '{"total":12345678901234567890}';

test("what is written in binary mode is read back, with what HTTP headers cannot carry encoded", () => {
  const headers = binaryHeaders(envelope);
  for (const value of Object.values(headers)) assert.match(value, /^[\x21-\x7e]*$/);
  const read = readBinary(headers, headers["content-type"]!, dataJson, { nowMs: 0 });
  assert.deepEqual(read, { ...envelope, dataJson });
});

test("what is written in structured mode is read back, every digit of the payload", () => {
  const text = structuredText(envelope, dataJson);
  assert.deepEqual(readStructured(text, { nowMs: 0 }), { ...envelope, dataJson });
});

test("what is the runtime's own is not told", () => {
  const place = { epoch: 0, lane: "a", sequence: 1 };
  const extensions = { ...envelope.extensions, commandid: "c-1", answersfor: "c-0" };
  const own: Envelope = { ...envelope, place, attempt: 3, replyTo: "shop.replies", extensions };
  assert.equal(structuredText(own, dataJson), structuredText(envelope, dataJson));
  assert.deepEqual(binaryHeaders(own), binaryHeaders(envelope));
});

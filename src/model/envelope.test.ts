import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { encodeMessage } from "../codecs/cloudevents.ts";
import { decodeEnvelope } from "../codecs/cloudevents-reader.ts";
import type { Envelope } from "./envelope.ts";
import type { Header } from "./message.ts";

/** Every field of the format, the reserved ones too; a new field must be added here and to the file. */
const everyField: Required<Envelope> = {
  id: "019b76da-a87b-7000-8000-0123456789ab",
  type: "order.placed",
  kind: "command",
  version: 3,
  source: "shop",
  key: "o-1 é",
  time: 1_767_225_600_123,
  contentType: "application/avro",
  correlation: "019b76da-a87b-7000-8000-000000000001",
  causation: "019b76da-a87b-7000-8000-000000000002",
  actor: "ann@example.com",
  trace: {
    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    tracestate: "vendor=1",
  },
  replyTo: "shop.replies",
  expires: 1_767_225_660_000,
  corrects: "019b76da-a87b-7000-8000-000000000003",
  attempt: 2,
  place: { epoch: 1, lane: "shop/0", sequence: 41 },
  encrypted: { fields: ["iban", "name"], keyId: "2026-01" },
  previousHash: "9f86d081884c7d659a2feaa0c55ad015",
  extensions: { comexampleregion: "eu", subject: "orders/1" },
};

interface Golden {
  readonly key: string;
  readonly headers: readonly Header[];
}

const golden: Golden = JSON.parse(
  readFileSync(new URL("envelope.golden.json", import.meta.url), "utf8"),
);

test("today's envelope is written as the golden file has it", () => {
  const { key, headers } = encodeMessage(everyField, null);
  assert.deepEqual({ key, headers }, golden);
});

test("the golden file is read as the envelope that it was written from", () => {
  assert.deepEqual(decodeEnvelope({ ...golden, value: null }, { receivedMs: 0 }), everyField);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import type { Envelope } from "../model/envelope.ts";
import { isMillraceError } from "../model/errors.ts";
import { createSeededRandom } from "../model/ids.ts";
import type { Header, RawMessage } from "../model/message.ts";
import { encodeHeaders, encodeMessage } from "./cloudevents.ts";
import { decodeEnvelope } from "./cloudevents-reader.ts";

/** Passes what the types refuse, as JavaScript would. */
const untyped = (value: unknown): any => value;

const received = { receivedMs: 1_767_225_600_000 };

const least: Envelope = {
  id: "0199b2c0-7d2e-7000-8000-000000000001",
  type: "order.placed",
  kind: "event",
  version: 1,
  source: "shop",
  time: 1_767_225_600_123,
};

/** A stranger's message: the required attributes and nothing of Millrace's. */
const stranger: readonly Header[] = [
  ["ce_specversion", "1.0"],
  ["ce_id", "A-1"],
  ["ce_type", "com.example.sold"],
  ["ce_source", "/shops/1"],
];

const raw = (headers: readonly Header[], key: RawMessage["key"] = null): RawMessage => ({
  key,
  headers,
  value: null,
});

test("an envelope with nothing but what it must have is read as it was written", () => {
  const written = encodeMessage(least, new Uint8Array());
  assert.equal(written.key, null);
  assert.deepEqual(decodeEnvelope(written, received), least);
});

test("a key travels as the record's key and as the subject", () => {
  const written = encodeMessage({ ...least, key: "o1" }, null);
  assert.equal(written.key, "o1");
  assert.deepEqual(
    written.headers.find(([name]) => name === "ce_subject"),
    ["ce_subject", "o1"],
  );
  assert.deepEqual(decodeEnvelope(written, received), { ...least, key: "o1" });
  assert.equal(decodeEnvelope({ ...written, key: null }, received).key, "o1");
});

test("a stranger's message gets defaults for what CloudEvents does not know", () => {
  assert.deepEqual(decodeEnvelope(raw(stranger), received), {
    id: "A-1",
    type: "com.example.sold",
    kind: "event",
    version: 1,
    source: "/shops/1",
    time: received.receivedMs,
  });
});

test("a stranger's extensions, subject and plain headers go in and out unchanged", () => {
  const headers: readonly Header[] = [
    ...stranger,
    ["ce_time", "2026-01-01T01:00:00.5+01:00"],
    ["ce_subject", "orders/7"],
    ["ce_comexampleregion", "eu"],
    ["ce_constructor", "x"],
    ["content-type", "application/json; charset=utf-8"],
    ["trace-parent-of-theirs", Uint8Array.of(255)],
  ];
  const envelope = decodeEnvelope(raw(headers, "7"), received);
  assert.equal(envelope.key, "7");
  assert.equal(envelope.time, 1_767_225_600_500);
  assert.equal(envelope.contentType, "application/json; charset=utf-8");
  assert.deepEqual(envelope.extensions, {
    comexampleregion: "eu",
    constructor: "x",
    subject: "orders/7",
  });
  assert.deepEqual(decodeEnvelope(encodeMessage(envelope, null), received), envelope);
});

test("a key that is no text still has a text of its own", () => {
  assert.equal(
    decodeEnvelope(raw(stranger, Uint8Array.of(255, 0, 1)), received).key,
    "base64:/wAB",
  );
});

test("a missing or ill-formed field is refused by its name", () => {
  const without = (name: string): readonly Header[] =>
    stranger.filter(([header]) => header !== `ce_${name}`);
  const having = (...more: readonly Header[]): readonly Header[] => [...stranger, ...more];
  const place: readonly Header[] = [
    ["ce_lane", "0"],
    ["ce_laneepoch", "1"],
    ["ce_lanesequence", "2"],
  ];
  const cases: readonly (readonly [field: string, headers: readonly Header[], message: RegExp])[] =
    [
      [
        "specversion",
        [],
        /specversion is missing; a message needs the CloudEvents headers ce_specversion, ce_id/,
      ],
      [
        "specversion",
        [...without("specversion"), ["ce_specversion", "0.3"]],
        /specversion is "0.3"; only "1.0" is known/,
      ],
      ["headers", [["content-type", "application/cloudevents+json"]], /only binary mode/],
      ["id", without("id"), /the message's id is missing; every message needs one/],
      ["id", [...without("id"), ["ce_id", ""]], /id is missing/],
      ["id", having(["ce_id", "again"]), /id is given twice/],
      ["type", without("type"), /type is missing/],
      ["source", without("source"), /source is missing/],
      [
        "source",
        [...without("source"), ["ce_source", Uint8Array.of(255)]],
        /source is not UTF-8 text/,
      ],
      [
        "time",
        having(["ce_time", "yesterday"]),
        /time is "yesterday"; it must be a moment by RFC 3339/,
      ],
      [
        "kind",
        having(["ce_kind", "rumour"]),
        /kind is "rumour"; it must be event, command, reply or timer/,
      ],
      [
        "schemaversion",
        having(["ce_schemaversion", "0"]),
        /schemaversion is "0"; it must be a whole number from 1/,
      ],
      ["schemaversion", having(["ce_schemaversion", "1e3"]), /schemaversion is "1e3"/],
      ["expirytime", having(["ce_expirytime", "2026-02-30T00:00:00Z"]), /expirytime is/],
      ["attempt", having(["ce_attempt", "-1"]), /attempt is "-1"/],
      ["lane", having(...place.slice(1)), /lane is missing/],
      ["laneepoch", having(...place.filter((_, at) => at !== 1)), /laneepoch is missing/],
      ["lanesequence", having(...place.slice(0, 2)), /lanesequence is missing/],
      [
        "lanesequence",
        having(["ce_lane", "0"], ["ce_laneepoch", "1"], ["ce_lanesequence", "9".repeat(17)]),
        /lanesequence is/,
      ],
      ["encryptionkeyid", having(["ce_encryptedfields", "[]"]), /encryptionkeyid is missing/],
      [
        "encryptedfields",
        having(["ce_encryptedfields", "iban"], ["ce_encryptionkeyid", "k"]),
        /it must be a JSON array of texts/,
      ],
      ['attribute "Big_One"', having(["ce_Big_One", "x"]), /name that CloudEvents does not allow/],
      [
        'attribute "__proto__"',
        having(["ce___proto__", "x"]),
        /name that CloudEvents does not allow/,
      ],
      ['attribute "data"', having(["ce_data", "x"]), /does not allow/],
    ];
  for (const [field, headers, message] of cases) {
    assert.throws(() => decodeEnvelope(raw(headers), received), {
      code: "BAD_ENVELOPE",
      message,
      details: { field },
    });
  }
});

// proves: envelope
test("an envelope that lacks a field, or that a reader would refuse, is not written", () => {
  const cases: readonly (readonly [field: string, fault: Partial<Envelope>])[] = [
    ["id", { id: "" }],
    ["type", { type: "" }],
    ["source", { source: "" }],
    ["time", { time: Number.NaN }],
    ["time", { time: 1.5 }],
    ["expires", { expires: 1e300 }],
    ["kind", { kind: untyped("rumour") }],
    ["version", { version: 0 }],
    ["attempt", { attempt: -1 }],
    ["place", { place: { epoch: 0, lane: "0", sequence: 0.5 } }],
    ['extension "Region"', { extensions: { Region: "eu" } }],
    ['extension "type"', { extensions: { type: "other" } }],
  ];
  for (const [field, fault] of cases) {
    assert.throws(() => encodeHeaders({ ...least, ...fault }), {
      code: "BAD_ENVELOPE",
      details: { field },
    });
  }
});

test("an ill-formed trace is left out, as W3C asks, and the message goes on", () => {
  const parent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const read = (traceparent: string): Envelope["trace"] =>
    decodeEnvelope(
      raw([...stranger, ["ce_traceparent", traceparent], ["ce_tracestate", "x=1"]]),
      received,
    ).trace;
  assert.deepEqual(read(parent), { traceparent: parent, tracestate: "x=1" });
  for (const bad of [
    "",
    "00-xyz",
    `ff${parent.slice(2)}`,
    `00-${"0".repeat(32)}-${"b".repeat(16)}-01`,
  ]) {
    assert.equal(read(bad), undefined);
  }
});

test("20,000 garbled messages are read or refused with BAD_ENVELOPE, never anything else", () => {
  const random = createSeededRandom(11);
  const pick = <Item>(items: readonly Item[]): Item =>
    items[Math.floor(random.next() * items.length)]!;
  const names = [
    ...encodeHeaders(everything()).map(([name]) => name),
    "ce_",
    "ce_x",
    "ce___proto__",
    "content-type",
    "",
    "\u0000",
  ];
  const values = [
    "",
    "1.0",
    "0",
    "-1",
    "event",
    "[]",
    '["a"]',
    "{",
    "2026-01-01T00:00:00Z",
    "\uFFFF",
    "9".repeat(400),
    Uint8Array.of(1, 255),
  ];
  const outcomes = { read: 0, refused: 0 };
  for (let round = 0; round < 20_000; round++) {
    const headers: Header[] = random.next() < 0.5 ? encodeHeaders(everything()) : [...stranger];
    for (let fault = 0; fault <= random.next() * 3; fault++) {
      const at = Math.floor(random.next() * headers.length);
      headers.splice(at, random.next() < 0.5 ? 1 : 0, [pick(names), pick(values)]);
    }
    try {
      const envelope = decodeEnvelope(
        raw(headers, pick([null, "k", Uint8Array.of(200)])),
        received,
      );
      assert.ok(envelope.id !== "" && envelope.version >= 1 && Number.isInteger(envelope.time));
      assert.deepEqual(decodeEnvelope(encodeMessage(envelope, null), received), envelope);
      outcomes.read++;
    } catch (error) {
      if (!isMillraceError(error, "BAD_ENVELOPE")) throw error;
      outcomes.refused++;
    }
  }
  assert.ok(outcomes.read > 1_000 && outcomes.refused > 4_000, JSON.stringify(outcomes));
});

function everything(): Envelope {
  return {
    ...least,
    key: "o1",
    correlation: "c",
    causation: "d",
    actor: "ann",
    trace: { traceparent: `00-${"a".repeat(32)}-${"b".repeat(16)}-01`, tracestate: "x=1" },
    replyTo: "desk",
    expires: 1_767_225_700_000,
    corrects: "e",
    attempt: 3,
    place: { epoch: 1, lane: "0", sequence: 12 },
    encrypted: { fields: ["iban"], keyId: "k" },
    previousHash: "00ff",
    extensions: { region: "eu" },
  };
}

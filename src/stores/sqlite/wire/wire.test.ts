import assert from "node:assert/strict";
import { test } from "node:test";
import { peculiarMessages } from "../../../conformance/peculiar.ts";
import { isMillraceError } from "../../../model/errors.ts";
import { createSeededRandom } from "../../../model/ids.ts";
import type { RawMessage } from "../../../model/message.ts";
import type { Batch } from "../../../store/write-set.ts";
import { decodeBatch, encodeBatch } from "./batches.ts";
import { ByteReader, ByteWriter } from "./bytes.ts";
import { readMessage, readOutgoing, writeMessage } from "./messages.ts";

const encoder = new TextEncoder();

function encoded(message: RawMessage): Uint8Array {
  const writer = new ByteWriter(1 << 24, 16);
  writeMessage(writer, message);
  return writer.finish();
}

test("numbers and texts of every length come back", () => {
  const random = createSeededRandom(3);
  const numbers = [0, 1, 127, 128, 16_383, 16_384, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER];
  for (let power = 0; power < 53; power++) numbers.push(Math.floor(random.next() * 2 ** power));
  const texts = [0, 1, 41, 42, 43, 127, 128, 129, 20_000].flatMap((length) => [
    "x".repeat(length),
    "日".repeat(length),
  ]);
  const writer = new ByteWriter(1 << 24, 16);
  writer.list(numbers, (to, value) => to.number(value));
  writer.list(texts, (to, value) => to.text(value));
  writer.double(-0.1);
  const reader = new ByteReader(writer.finish());
  assert.deepEqual(
    reader.list((from) => from.number()),
    numbers,
  );
  assert.deepEqual(
    reader.list((from) => from.text()),
    texts,
  );
  assert.equal(reader.double(), -0.1);
  assert.ok(reader.atEnd);
});

test("a writer refuses to grow past its bound", () => {
  const writer = new ByteWriter(1000, 16);
  writer.bytes(new Uint8Array(900));
  assert.throws(
    () => writer.bytes(new Uint8Array(200)),
    (error) => isMillraceError(error, "TOO_LARGE"),
  );
});

test("a reader of cut bytes stops instead of inventing a message", () => {
  const whole = encoded({ key: "k", headers: [["ce_id", "1"]], value: encoder.encode("value") });
  for (let length = 0; length < whole.length; length++) {
    assert.throws(() => readMessage(new ByteReader(whole.slice(0, length))));
  }
});

test("every form of message comes back, and the bytes written today stay readable", () => {
  const messages = peculiarMessages();
  for (const message of messages) {
    assert.deepEqual(readMessage(new ByteReader(encoded(message))), message);
  }
  const message: RawMessage = {
    key: "o1",
    headers: [
      ["ce_specversion", "1.0"],
      ["ce_id", "7"],
      ["ce_subject", "o1"],
      ["content-type", "application/json"],
      ["ce_kind", "event"],
      ["own", "x"],
      ["raw", Uint8Array.of(0xff)],
    ],
    value: encoder.encode("{}"),
  };
  // The form that stores in the field hold: if this fails, they cannot be read any more.
  const golden = "05026f310701100201013709030812061300036f776e01017800037261770201ff027b7d";
  assert.equal(Buffer.from(encoded(message)).toString("hex"), golden);
  assert.deepEqual(readMessage(new ByteReader(Buffer.from(golden, "hex"))), message);
});

test("a batch arrives in the worker as it was given", () => {
  const message: RawMessage = { key: "k", headers: [], value: encoder.encode("v") };
  const mark = { source: "shop", epoch: 1, lane: "a", sequence: 9 };
  const cause = { kind: "bug", code: "E", message: "m", attempts: 2 } as const;
  const documents = [
    { collection: "c", id: "1", expected: 0, json: "{}", indexed: { a: null, b: -1.5, c: "t" } },
    { collection: "c", id: "2", expected: 7, json: null, indexed: { d: true, e: false } },
  ];
  const timer = { consumer: "refunds", instance: "o1", name: "due" };
  const effects = [
    { consumer: "refunds", message: "i", name: "pay", json: `{"é":1}`, atMs: 1.5 },
    { consumer: "", message: "", name: "", json: "", atMs: -1 },
  ];
  const batch: Batch = {
    input: {
      consumer: "refunds",
      input: "orders/0",
      epoch: 3,
      log: "log",
      unfinished: [{ id: "u", mark }],
      gaps: [{ from: 1, to: 5 }],
    },
    lane: "out",
    sets: [
      {
        key: "k",
        finishes: [
          { offset: 2 ** 40, id: "i" },
          { id: "j", mark },
          { offset: 0, id: "z", mark },
          { id: "t", timer },
        ],
        documents,
        events: [{ entity: "e", expected: 1, events: [message, message] }],
        timers: [
          { ...timer, id: "t", dueMs: 0.25, message },
          timer,
          { consumer: "refunds", instance: "o1" },
        ],
        effects,
        outgoing: [
          { target: { kind: "stream", name: "s" }, message },
          { target: { kind: "queue", name: "q" }, message, delayMs: 0 },
        ],
        park: [
          { key: "p", incoming: { id: "i", mark }, message, cause },
          { key: "p", incoming: { id: "w" }, message },
        ],
        unpark: [4, 5],
        repark: [{ row: 6, cause }],
      },
      { key: "empty", finishes: [] },
    ],
  };
  const decoded = decodeBatch(encodeBatch(batch));
  assert.deepEqual([decoded.input, decoded.lane], [batch.input, "out"]);
  const [set, empty] = decoded.sets;
  const given = batch.sets[0];
  assert.ok(set !== undefined && given !== undefined && empty !== undefined);
  assert.deepEqual(set.finishes, given.finishes);
  assert.deepEqual(set.documents, documents);
  assert.deepEqual([set.unpark, set.repark], [given.unpark, given.repark]);
  const events = set.events.flatMap((write) => write.events);
  assert.deepEqual(
    events.map((bytes) => readMessage(new ByteReader(bytes))),
    [message, message],
  );
  const timers = set.timers.map((write) =>
    "id" in write ? { ...write, message: readMessage(new ByteReader(write.message)) } : write,
  );
  assert.deepEqual(timers, given.timers);
  assert.deepEqual(set.effects, effects);
  const reader = new ByteReader(set.outgoing.bytes);
  assert.deepEqual([readOutgoing(reader), readOutgoing(reader)], given.outgoing);
  assert.deepEqual(
    set.park.map(({ key, incoming, cause: why }) => [key, incoming, why]),
    [
      ["p", { id: "i", mark }, cause],
      ["p", { id: "w" }, undefined],
    ],
  );
  assert.deepEqual([empty.finishes, empty.documents, empty.outgoing.length], [[], [], 0]);
  assert.deepEqual([empty.timers, empty.effects], [[], []]);
});

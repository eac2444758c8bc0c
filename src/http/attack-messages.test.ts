/**
 * What strangers may write into a message, and how they may make the door work: fields of forms that
 * nobody reads, texts that UTF-8 cannot hold, numbers that lose digits, and JSON that takes seconds.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { openStage } from "../admin/shop-stage.test.ts";
import { createDoor } from "./door.ts";

const TOKEN = "a-secret-of-some-length";
const LINES = "application/x-ndjson";
const ORDER = '"type":"order.placed","data":{"orderId":"o1","total":1}';

interface Answer {
  readonly status: number;
  readonly text: string;
}

type Ask = (
  path: string,
  body?: string | ReadableStream<Uint8Array>,
  headers?: Readonly<Record<string, string>>,
) => Promise<Answer>;

/** Runs attempts at a door, and then checks that nothing was published by them. */
async function attacked(attempts: (ask: Ask) => Promise<void>): Promise<void> {
  await using stage = await openStage();
  const { admin, environment, streams, queues } = stage;
  const all = async () => JSON.stringify([await streams.listStreams(), await queues.listQueues()]);
  const before = await all();
  const door = createDoor({ admin, environment, token: TOKEN });
  await attempts(async (path, body, headers = {}) => {
    const response = await door(
      new Request(`http://localhost${path}`, {
        headers: {
          host: "localhost",
          authorization: `Bearer ${TOKEN}`,
          "content-type": LINES,
          ...headers,
        },
        ...(body !== undefined && { method: "POST", body, duplex: "half" as const }),
      }),
    );
    return { status: response.status, text: await response.text() };
  });
  assert.equal(await all(), before);
  assert.deepEqual(
    environment.entries.filter(({ level }) => level === "error"),
    [],
    "nothing of it is a defect",
  );
}

function assertRefused({ status, text }: Answer, code: string, says: RegExp): void {
  assert.equal(status, 207, text.slice(0, 300));
  const [outcome] = JSON.parse(text).outcomes;
  assert.equal(outcome.error?.code, code, text.slice(0, 300));
  assert.match(outcome.error.message, says);
}

test("an object of another form than its field's is refused by the field's name, and never reaches the log", () =>
  attacked(async (ask) => {
    const forms: readonly (readonly [field: string, value: string])[] = [
      ["to", '{"kind":"topic","name":"order-desk"}'],
      ["to", '{"kind":["stream"],"name":["orders"]}'],
      ["to", '{"kind":"stream","name":"orders","more":"1"}'],
      ["to", `{"kind":"stream","name":"${"x".repeat(10_000)}"}`],
      ["trace", "{}"],
      ["trace", '{"traceparent":["a"]}'],
      ["extensions", '{"foo":["a"]}'],
      ["extensions", '["a"]'],
      ["extensions", '{"commandid":"c-1"}'],
      ["encrypted", "{}"],
      ["encrypted", '{"fields":"iban","keyId":["k"]}'],
    ];
    for (const [field, value] of forms) {
      const answer = await ask("/events", `{${ORDER},"${field}":${value}}`);
      assertRefused(answer, "BAD_ENVELOPE", new RegExp(`message's ${field} must be as in`));
    }
  }));

test("half a surrogate pair is refused wherever it would become the text of another", () =>
  attacked(async (ask) => {
    for (const field of ["id", "source", "correlation", "replyTo"]) {
      const answer = await ask("/events", `{${ORDER},"${field}":"a\\ud800"}`);
      assertRefused(answer, "BAD_ENVELOPE", /half a surrogate pair/);
    }
    const extension = await ask("/events", `{${ORDER},"extensions":{"foo":"\\udc00"}}`);
    assertRefused(extension, "BAD_ENVELOPE", /foo holds half a surrogate pair/);
    const key = '{"type":"order.placed","data":{"orderId":"\\ud800","total":1}}';
    assertRefused(await ask("/events", key), "BAD_PAYLOAD", /key holds half a surrogate pair/);
    const attic = `{"type":"x","data":1,"to":{"kind":"stream","name":"attic"},"key":"\\ud800"}`;
    assertRefused(await ask("/events", attic), "BAD_ENVELOPE", /key holds half a surrogate pair/);
  }));

test("JSON that would hold up everybody is refused before it is looked at", () =>
  attacked(async (ask) => {
    const json = { "content-type": "application/json" };
    const deep = "[".repeat(500_000) + "]".repeat(500_000);
    for (const body of [`{"refs":${deep}}`, `{"refs":["${"\\\\".repeat(9)}",${deep}]}`]) {
      const { status, text } = await ask("/failures/discard", body, json);
      assert.equal(status, 400);
      assert.match(text, /BAD_JSON.*nests deeper than 72 levels/);
    }
    assertRefused(await ask("/events", `{${ORDER},"a":${deep}}`), "BAD_JSON", /nests deeper/);
    const many = Array.from({ length: 2_000 }, (_, at) => `"a${at}":1`).join();
    assertRefused(await ask("/events", `{${ORDER},${many}}`), "BAD_JSON", /2002 members/);
    const type = { "content-type": "application/cloudevents+json" };
    const structured = await ask("/events", `{"specversion":"1.0",${ORDER},${many}}`, type);
    assert.match(structured.text, /BAD_JSON.*2003 members/);
    const batch = { "content-type": "application/cloudevents-batch+json" };
    const counted = await ask("/events", `[${"0,".repeat(100_000)}0]`, batch);
    assert.equal(counted.status, 413);
    assert.match(counted.text, /100001 messages are over 10000/);
  }));

test("an encoded body is refused, and not taken for the text that it is not", () =>
  attacked(async (ask) => {
    for (const encoding of ["gzip", "br", "identity, gzip"]) {
      const { status, text } = await ask("/events", `{${ORDER}}`, { "content-encoding": encoding });
      assert.equal(status, 415);
      assert.match(text, /UNSUPPORTED_CONTENT.*Content-Encoding/);
    }
    const empty = await ask("/events", "", { "content-encoding": "Identity" });
    assert.equal(empty.status, 200);
  }));

test("whoever leaves in the middle of a body has met no defect", () =>
  attacked(async (ask) => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(new TextEncoder().encode("{")),
      pull: (controller) => controller.error(new Error("aborted")),
    });
    const { status, text } = await ask("/events", body);
    assert.equal(status, 400);
    assert.match(text, /BAD_REQUEST.*the body broke off/);
  }));

test("a condition whose number would lose digits is refused, and finds nobody else's document", () =>
  attacked(async (ask) => {
    const find = (where: string) => ask(`/views/order-totals?where=${encodeURIComponent(where)}`);
    // The document has 12345678901234567890, and a number that is a little less is the same double.
    for (const where of ['{"total":12345678901234567891}', '{"total":{"in":[9007199254740993]}}']) {
      const { status, text } = await find(where);
      assert.equal(status, 400, text);
      assert.match(text, /BAD_ARGUMENT.*would lose digits/);
    }
    assert.match((await find('{"total":{"gte":1e18}}')).text, /"id":"o9"/);
  }));

test("a cursor that no page gave is refused, however it is made", () =>
  attacked(async (ask) => {
    const cursors = [
      "{}",
      '[[[]],1,"a"]',
      '["id",{},"a"]',
      `["${"x".repeat(5_000)}",1,"a"]`,
      `[${"[".repeat(5_000)}${"]".repeat(5_000)},1,"a"]`,
    ];
    for (const cursor of cursors) {
      const after = Buffer.from(cursor).toString("base64url");
      const { status, text } = await ask(`/views/order-totals?after=${after}`);
      assert.equal(status, 400, text.slice(0, 300));
      assert.ok(text.length < 500, "what a stranger sent is cut where it is told");
    }
  }));

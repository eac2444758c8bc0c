/** What holds for every message whatsoever, and what no bytes whatsoever may do. Each test has its seed. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { apiNames, SERVED } from "./api-keys.ts";
import { decodeRequest, encodeRequest, UnsupportedRequest } from "./frames.ts";
import { API_TABLES } from "./generated/apis.ts";
import { MalformedFrame } from "./malformed-frame.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";
import {
  createRandom,
  everyVersion,
  randomMessage,
  type Random,
} from "./random-message-stage.test.ts";

const SEED = 0x4b41_464b;

test("every message comes back as it was written, and is written again as the same bytes", (t) => {
  const random = createRandom(SEED);
  let messages = 0;
  for (const [table, version] of everyVersion()) {
    for (let round = 0; round < 5; round++) {
      const message = randomMessage(table, version, random);
      const bytes = encodeMessage<object>(table, version, message);
      const found = decodeMessage<object>(table, version, bytes);
      assert.deepEqual(found, message, `${table.name} v${version}`);
      assert.deepEqual(Object.keys(found), Object.keys(table.fields));
      assert.deepEqual(encodeMessage<object>(table, version, found), bytes);
      messages++;
    }
  }
  assert.ok(messages > 2000);
  t.diagnostic(`${messages} messages, seed ${SEED}`);
});

test("a message that ends anywhere before its end is malformed, and says where", (t) => {
  const random = createRandom(SEED);
  let cut = 0;
  for (const [table, version] of everyVersion()) {
    const bytes = encodeMessage<object>(table, version, randomMessage(table, version, random));
    const step = Math.ceil(bytes.length / 25);
    for (let length = 0; length < bytes.length; length += step) {
      assert.throws(
        () => decodeMessage<object>(table, version, bytes.subarray(0, length)),
        (error) =>
          error instanceof MalformedFrame &&
          error.at <= length &&
          error.field.startsWith(`${table.name} v${version}`),
      );
      cut++;
    }
  }
  assert.ok(cut > 3000);
  t.diagnostic(`${cut} messages cut, seed ${SEED}`);
});

/** A copy with some bytes changed, cut, doubled, or replaced by numbers that are meant to hurt. */
function mutate(frame: Buffer, random: Random): Buffer {
  const copy = Buffer.from(frame);
  // The key and the version stay mostly, so that what follows them is reached.
  const from = random(10) === 0 ? 0 : 8;
  for (let changes = 1 + random(4); changes > 0; changes--) {
    const at = Math.min(copy.length - 4, from + random(copy.length));
    if (at < 0) break;
    const hurt = [0x7fff_ffff, -0x8000_0000, -1, -2, 0x7f_ffff, 0x8080_8080 | 0];
    if (random(2) === 0) copy[at] = random(256);
    else copy.writeInt32BE(hurt[random(hurt.length)]!, at);
  }
  if (random(3) === 0) return copy.subarray(0, random(copy.length + 1));
  if (random(5) === 0) return Buffer.concat([copy, copy.subarray(random(copy.length))]);
  return copy;
}

/** Whether the frame was read; anything but the two errors that the server expects is thrown on. */
function isRead(frame: Buffer): boolean {
  try {
    decodeRequest(frame);
    return true;
  } catch (error) {
    if (error instanceof MalformedFrame || error instanceof UnsupportedRequest) return false;
    throw error;
  }
}

test("a damaged request is read or refused, and nothing else happens", (t) => {
  const random = createRandom(SEED);
  const counts = { read: 0, refused: 0 };
  for (const api of apiNames()) {
    const { min, max } = SERVED[api];
    for (let version = min; version <= max; version++) {
      for (let round = 0; round < 30; round++) {
        const body = randomMessage(API_TABLES[api].request, version, random);
        const header = { correlationId: 7, clientId: "fuzz" };
        const frame = Buffer.concat(encodeRequest(api, version, header, body)).subarray(4);
        counts[isRead(mutate(frame, random)) ? "read" : "refused"]++;
      }
    }
  }
  assert.ok(counts.read > 300 && counts.refused > 3000, JSON.stringify(counts));
  t.diagnostic(`${counts.read} read, ${counts.refused} refused, seed ${SEED}`);
});

test("random bytes behind any header are read or refused", (t) => {
  const random = createRandom(SEED);
  const likely = [0, 0, 0, 0, 1, 1, 2, 3, 0xff, 0x80];
  const counts = { read: 0, refused: 0 };
  for (const api of apiNames()) {
    const { min, max } = SERVED[api];
    for (let round = 0; round < 300; round++) {
      const frame = Buffer.from(Array.from({ length: random(60) + 10 }, () => likely[random(10)]!));
      frame.writeInt16BE(API_TABLES[api].key, 0);
      frame.writeInt16BE(min + random(max - min + 1), 2);
      // No client id.
      frame.writeInt16BE(-1, 8);
      counts[isRead(frame) ? "read" : "refused"]++;
    }
  }
  assert.ok(counts.read > 500 && counts.refused > 5000, JSON.stringify(counts));
  t.diagnostic(`${counts.read} read, ${counts.refused} refused, seed ${SEED}`);
});

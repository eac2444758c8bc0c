import assert from "node:assert/strict";
import { test } from "node:test";
import { MalformedAmqp } from "./encoding.ts";
import { AMQP_HEADER, ATTACH, FrameGuard } from "./frame-guard.ts";

const FLOW = 0x13;

/** A frame of the performative without fields, as long as is asked. */
function frame(code: number, length = 12): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt32BE(length, 0);
  bytes.set([2, 0, 0, 0, 0x00, 0x53, code, 0x45], 4);
  return bytes;
}

/** What the guard gives for the bytes in pieces of a size: how many bytes, and the last performative. */
function given(bytes: Buffer, pieceBytes: number): (readonly [number, number | undefined])[] {
  const guard = new FrameGuard(1_024);
  const all: (readonly [number, number | undefined])[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    guard.push(bytes.subarray(at, at + pieceBytes));
    for (let next = guard.next(); next !== undefined; next = guard.next()) {
      all.push([next.bytes.length, next.code]);
    }
  }
  return all;
}

test("frames are given together up to one that decides what may follow", () => {
  const bytes = Buffer.concat([
    AMQP_HEADER,
    frame(FLOW),
    frame(FLOW, 40),
    frame(ATTACH),
    frame(FLOW),
    frame(FLOW),
    frame(FLOW).subarray(0, 11),
  ]);
  assert.deepEqual(given(bytes, bytes.length), [
    [8, undefined],
    [12 + 40 + 12, ATTACH],
    [12 + 12, FLOW],
  ]);
});

test("bytes that come one by one make the same frames", () => {
  const bytes = Buffer.concat([AMQP_HEADER, frame(FLOW), frame(ATTACH, 300), frame(FLOW)]);
  assert.deepEqual(given(bytes, 1), [
    [8, undefined],
    [12, FLOW],
    [300, ATTACH],
    [12, FLOW],
  ]);
});

test("frames before one that is malformed are given, and it is refused behind them", () => {
  const guard = new FrameGuard(1_024);
  guard.push(Buffer.concat([AMQP_HEADER, frame(FLOW), frame(FLOW), frame(0x77), frame(FLOW)]));
  guard.next();
  assert.equal(guard.next()?.bytes.length, 24);
  assert.throws(() => guard.next(), MalformedAmqp);
});

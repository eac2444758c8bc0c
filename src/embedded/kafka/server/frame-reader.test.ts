import assert from "node:assert/strict";
import { test } from "node:test";
import { BadFrame, FrameReader } from "./frame-reader.ts";

function framed(...texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.map((text) => {
      const frame = Buffer.alloc(4 + text.length);
      frame.writeInt32BE(text.length);
      frame.write(text, 4);
      return frame;
    }),
  );
}

const read = (reader: FrameReader, chunk: Buffer): string[] => [...reader.push(chunk)].map(String);

test("frames are the same wherever the network cuts them", () => {
  const bytes = framed("one", "", "three", "x".repeat(300));
  const expected = ["one", "", "three", "x".repeat(300)];
  for (let size = 1; size <= bytes.length; size++) {
    const reader = new FrameReader(() => 1_000);
    const found: string[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      found.push(...read(reader, bytes.subarray(at, at + size)));
    }
    assert.deepEqual(found, expected);
    assert.equal(reader.heldBytes, 0);
  }
});

test("a frame that one chunk holds is a view of it", () => {
  const bytes = framed("one", "two");
  for (const frame of new FrameReader(() => 10).push(bytes))
    assert.equal(frame.buffer, bytes.buffer);
});

test("a length that is negative or over the limit is refused before its bytes come", () => {
  for (const length of [-1, -(2 ** 31), 11, 2 ** 31 - 1]) {
    const header = Buffer.alloc(4);
    header.writeInt32BE(length);
    assert.throws(() => read(new FrameReader(() => 10), header), BadFrame);
  }
});

test("a promised length takes no memory", () => {
  const header = Buffer.alloc(4);
  header.writeInt32BE(1_000_000_000);
  const reader = new FrameReader(() => 2 ** 30);
  assert.deepEqual(read(reader, header), []);
  assert.equal(reader.heldBytes, 4);
});

test("the key of a request decides how long its frame may be, as soon as it has come", () => {
  const limit = (key: number | undefined): number => (key === 3 ? 10 : 100);
  const header = Buffer.alloc(6);
  header.writeInt32BE(50);
  header.writeInt16BE(3, 4);
  const reader = new FrameReader(limit);
  assert.deepEqual(read(reader, header.subarray(0, 5)), []);
  assert.throws(() => read(reader, header.subarray(5)), BadFrame);
  header.writeInt16BE(4, 4);
  assert.deepEqual(read(new FrameReader(limit), header), []);
});

test("a large frame that comes byte by byte is held in few buffers, and comes out whole", () => {
  const text = Array.from({ length: 50_000 }, (_, at) => String.fromCharCode(97 + (at % 26))).join(
    "",
  );
  const bytes = framed(text, "next");
  const reader = new FrameReader(() => 100_000);
  const found: string[] = [];
  for (let at = 0; at < bytes.length; at++) found.push(...read(reader, bytes.subarray(at, at + 1)));
  assert.deepEqual(found, [text, "next"]);
  assert.equal(reader.heldBytes, 0);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "../codec/random-message-stage.test.ts";
import { FrameBuffers } from "./frame-buffers.ts";
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

/** As the system would: what comes is written where the reader has room for it. Yields the frames of each time. */
function* land(reader: FrameReader, bytes: Buffer, size: () => number): Generator<Buffer[]> {
  for (let at = 0; at < bytes.length;) {
    const room = reader.room();
    const landed = bytes.copy(room, 0, at, at + Math.min(size(), room.length));
    at += landed;
    yield [...reader.took(landed)];
  }
}

test("frames are the same wherever they land, and each keeps its bytes until it is given back", () => {
  const random = createRandom(7);
  const texts = Array.from({ length: 60 }, (_, at) =>
    String.fromCharCode(97 + (at % 26)).repeat(random(random(300_000) + 1)),
  );
  const buffers = new FrameBuffers();
  const [first, second] = [1, 2].map(() => new FrameReader(() => 2 ** 20, buffers));
  const others = land(second!, framed(...texts), () => 50_000);
  const found: Buffer[] = [];
  let compared = 0;
  const compareOldest = (): void => {
    const oldest = found.shift()!;
    assert.equal(String(oldest), texts[compared++]);
    buffers.give(oldest);
  };
  for (const frames of land(first!, framed(...texts), () => 1 + random(random(100_000) + 1))) {
    found.push(...frames);
    while (found.length > 5) compareOldest();
    // Another connection's bytes land in the same place meanwhile.
    for (const other of others.next().value ?? []) buffers.give(other);
  }
  while (found.length > 0) compareOldest();
  assert.equal(compared, texts.length);
});

test("memory that was given back is used again, and only what was lent is taken back", () => {
  const buffers = new FrameBuffers();
  const lent = buffers.take(300_000);
  assert.notEqual(buffers.take(300_000).buffer, lent.buffer);
  for (const foreign of [Buffer.alloc(2 ** 19), lent, lent]) buffers.give(foreign);
  assert.equal(buffers.take(400_000).buffer, lent.buffer);
  assert.notEqual(buffers.take(400_000).buffer, lent.buffer);
});

test("who has sent large frames is believed another one, up to a megabyte", () => {
  const buffers = new FrameBuffers();
  const reader = new FrameReader(() => 2 ** 30, buffers);
  const announce = Buffer.alloc(6);
  announce.writeInt32BE(2 ** 29);
  for (const _ of reader.push(framed("x".repeat(200_000)))) assert.equal(reader.heldBytes, 0);
  assert.deepEqual(read(reader, announce), []);
  assert.equal(reader.heldBytes, 400_000);
  const proven = new FrameReader(() => 2 ** 30, buffers);
  for (const _ of proven.push(framed("x".repeat(5_000_000)))) assert.equal(proven.heldBytes, 0);
  assert.deepEqual(read(proven, announce), []);
  assert.equal(proven.heldBytes, 2 ** 20);
});

test("a length that is negative or over the limit is refused before its bytes come", () => {
  for (const length of [-1, -(2 ** 31), 11, 2 ** 31 - 1]) {
    const header = Buffer.alloc(4);
    header.writeInt32BE(length);
    assert.throws(() => read(new FrameReader(() => 10), header), BadFrame);
  }
});

test("a promised length takes no memory before its key, and little before its bytes", () => {
  const header = Buffer.alloc(4);
  header.writeInt32BE(1_000_000_000);
  const reader = new FrameReader(() => 2 ** 30);
  assert.deepEqual(read(reader, header), []);
  assert.equal(reader.heldBytes, 4);
  assert.deepEqual(read(reader, Buffer.from("key")), []);
  assert.ok(reader.heldBytes <= 16 * 1024);
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

import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { createRealClock } from "../../../host/real-clock.ts";
import { Turns } from "../../doors/turns.ts";
import { AnswerBuffer } from "./answer-buffer.ts";

const MIB = 1024 * 1024;
const CLOCK = createRealClock();
const QUIET = { progress: () => {}, gone: () => {} };

/** A reader that takes one write when it is told to. */
function openReader() {
  const taken: (() => void)[] = [];
  const stream = new Writable({
    highWaterMark: 1,
    writev(chunks, done) {
      taken.push(done);
      bytes += chunks.reduce((sum, { chunk }) => sum + Buffer.from(chunk).length, 0);
    },
  });
  let bytes = 0;
  return {
    stream,
    get bytes() {
      return bytes;
    },
    async take() {
      while (taken.length === 0) await new Promise((resolve) => setImmediate(resolve));
      taken.shift()!();
      await new Promise((resolve) => setImmediate(resolve));
    },
  };
}

test("memory counts as held until the last view of it has left", async () => {
  const reader = openReader();
  const answers = new AnswerBuffer(reader.stream, new Turns(CLOCK, 1_000), QUIET);
  const memory = Buffer.allocUnsafeSlow(4 * MIB);
  answers.push([Buffer.from("head"), memory.subarray(0, 2 * MIB), memory.subarray(3 * MIB)]);
  assert.equal(answers.bytes, 3 * MIB + 4);
  assert.equal(answers.heldBytes, 4 * MIB + 4);
  const held: [number, number][] = [];
  while (answers.bytes > 0) {
    await reader.take();
    held.push([answers.bytes, answers.heldBytes]);
  }
  assert.deepEqual(held, [
    [2 * MIB + 4, 4 * MIB],
    [MIB + 4, 4 * MIB],
    [4, 4 * MIB],
    [0, 0],
  ]);
  assert.equal(reader.bytes, 3 * MIB + 4);
});

test("a small view of the pool for small buffers holds no more than itself", () => {
  const answers = new AnswerBuffer(openReader().stream, new Turns(CLOCK, 1_000), QUIET);
  answers.push([Buffer.from("abc"), Buffer.from("de")]);
  assert.equal(answers.heldBytes, 5);
});

test("the memory of an answer is given back when all of it has left, and not before", async () => {
  const reader = openReader();
  const gone: string[] = [];
  const answers = new AnswerBuffer(reader.stream, new Turns(CLOCK, 1_000), {
    ...QUIET,
    gone: (piece) => gone.push(piece.toString("latin1", 0, 2)),
  });
  const memory = Buffer.alloc(3 * MIB, "b");
  answers.push([Buffer.from("a1")]);
  answers.push([Buffer.from("b1"), memory.subarray(0, MIB), memory.subarray(2 * MIB)]);
  answers.push([Buffer.from("c1")]);
  const seen: (readonly [string, number])[] = [];
  while (answers.bytes > 0) {
    await reader.take();
    seen.push([gone.join(" "), answers.bytes]);
  }
  assert.deepEqual(seen, [
    ["a1", 2 * MIB + 4],
    ["a1", MIB + 4],
    ["a1", 4],
    ["a1 b1 bb bb c1", 0],
  ]);
});

test("a large answer waits for the turn after one that has had enough, a small one does not", async () => {
  const turns = new Turns(CLOCK, 1);
  const written: number[] = [];
  const open = (): AnswerBuffer =>
    new AnswerBuffer(
      new Writable({
        writev(chunks, done) {
          written.push(chunks.reduce((sum, { chunk }) => sum + Buffer.from(chunk).length, 0));
          done();
        },
        write(chunk: Buffer, _, done) {
          written.push(chunk.length);
          done();
        },
      }),
      turns,
      QUIET,
    );
  turns.count(1);
  open().push([Buffer.alloc(2 * MIB)]);
  const gone = open();
  gone.push([Buffer.alloc(MIB)]);
  open().push([Buffer.alloc(100)]);
  assert.deepEqual(written, [100]);
  gone.cancel();
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(written, [100, MIB]);
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(written, [100, MIB, MIB]);
});

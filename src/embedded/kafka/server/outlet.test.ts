import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { Outlet } from "./outlet.ts";

const MIB = 1024 * 1024;

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
  const outlet = new Outlet(reader.stream, () => {});
  const memory = Buffer.allocUnsafeSlow(4 * MIB);
  outlet.push([Buffer.from("head"), memory.subarray(0, 2 * MIB), memory.subarray(3 * MIB)]);
  assert.equal(outlet.bytes, 3 * MIB + 4);
  assert.equal(outlet.heldBytes, 4 * MIB + 4);
  const held: [number, number][] = [];
  while (outlet.bytes > 0) {
    await reader.take();
    held.push([outlet.bytes, outlet.heldBytes]);
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
  const outlet = new Outlet(openReader().stream, () => {});
  outlet.push([Buffer.from("abc"), Buffer.from("de")]);
  assert.equal(outlet.heldBytes, 5);
});

import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { Outlet } from "./outlet.ts";

const MIB = 1024 * 1024;

/** A socket whose client reads when `read` is called, one write at a time. */
function createStage() {
  const waiting: (() => void)[] = [];
  const socket = new Writable({
    highWaterMark: MIB,
    write: (_, __, done) => waiting.push(done),
    writev: (_, done) => waiting.push(done),
  });
  const gone: string[] = [];
  const outlet = new Outlet(socket, {
    progress: () => undefined,
    gone: (piece) => gone.push(piece.toString("latin1", 0, 2)),
  });
  const read = async (): Promise<void> => {
    waiting.shift()!();
    await new Promise((resolve) => process.nextTick(resolve));
  };
  return { outlet, gone, read };
}

test("the memory of an answer is given back when all of it has left, and not before", async () => {
  const { outlet, gone, read } = createStage();
  const whole = Buffer.alloc(3 * MIB, "b");
  outlet.push([Buffer.from("a1")]);
  outlet.push([Buffer.from("b1"), whole.subarray(0, MIB), whole.subarray(2 * MIB)]);
  outlet.push([Buffer.from("c1")]);
  const seen: (readonly [string, number])[] = [];
  while (outlet.bytes > 0) {
    await read();
    seen.push([gone.join(" "), outlet.bytes]);
  }
  assert.deepEqual(seen.at(0), ["a1", 2 * MIB + 4]);
  assert.deepEqual(seen.at(-1), ["a1 b1 bb bb c1", 0]);
  for (const [names, bytes] of seen) {
    assert.equal(names.includes("b1"), bytes <= 2, `${names} with ${bytes} bytes to go`);
  }
  assert.ok(seen.length >= 3);
});

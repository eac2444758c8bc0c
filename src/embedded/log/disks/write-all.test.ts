import assert from "node:assert/strict";
import { test } from "node:test";
import { writeAll, type WriteSome } from "./write-all.ts";

const BUFFERS = ["abc", "", "d", "efgh"].map((text) => Buffer.from(text));
const POSITION = 3;

/** A file whose calls take these numbers of bytes, and then all. */
function takes(...counts: readonly number[]): { readonly file: Buffer; readonly write: WriteSome } {
  const file = Buffer.alloc(POSITION + 8, ".");
  const left = [...counts];
  const write: WriteSome = async (buffers, position) => {
    const bytes = Buffer.concat(buffers);
    return bytes.copy(file, position, 0, left.shift() ?? bytes.length);
  };
  return { file, write };
}

test("however often the system takes a part only, all bytes stand where they belong", async () => {
  let count = 0;
  for (let first = 1; first <= 8; first++) {
    for (let second = 1; second <= 8; second++) {
      const { file, write } = takes(first, second);
      await writeAll(write, BUFFERS, POSITION);
      assert.equal(file.toString(), "...abcdefgh", `${first} and ${second}`);
      count++;
    }
  }
  assert.equal(count, 64);
});

test("a system that takes nothing, and says no error, is an error after what it took", async () => {
  const { file, write } = takes(2, 0);
  await assert.rejects(writeAll(write, BUFFERS, POSITION), {
    code: "EIO",
    message: /takes nothing/,
  });
  assert.equal(file.toString(), "...ab......");
});

test("what the system refuses after a part is told", async () => {
  const { write } = takes(2);
  let calls = 0;
  const refusing: WriteSome = (buffers, position) =>
    ++calls === 1 ? write(buffers, position) : Promise.reject(new Error("no"));
  await assert.rejects(writeAll(refusing, BUFFERS, POSITION), /no/);
  await writeAll(refusing, [Buffer.alloc(0)], POSITION);
  assert.equal(calls, 2);
});

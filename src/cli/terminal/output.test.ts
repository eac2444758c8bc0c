import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { createOutput } from "./output.ts";

function collecting(json: boolean) {
  const out: string[] = [];
  const err: string[] = [];
  const sink = (texts: string[]) => ({
    write: (text: string) => texts.push(text) > 0,
    once: () => undefined,
    off: () => undefined,
  });
  return { output: createOutput({ stdout: sink(out), stderr: sink(err), json }), out, err };
}

const EVIL = "\u001B[31m\u009B2J\u202E";

test("lines, tables and notes with the text of strangers cannot drive the terminal", async () => {
  const { output, out, err } = collecting(false);
  await output.line(EVIL);
  await output.rows([{ name: EVIL }], [{ title: "name", value: ({ name }) => name }], "none");
  output.note(`line 2: ${EVIL}\nline 3`);
  const safe = "\\x1b[31m\\x9b2J\\u202e";
  assert.deepEqual(out, [`${safe}\n`, `NAME\n${safe}\n`]);
  assert.deepEqual(err, [`line 2: ${safe}\nline 3\n`]);
});

test("JSON keeps its value and drives no terminal either", async () => {
  const { output, out } = collecting(true);
  await output.result({ name: EVIL }, "unused");
  assert.equal(out[0], '{"name":"\\u001b[31m\\u009b2J\\u202e"}\n');
});

test("a slow reader is waited for, and no listener is left behind for each wait", async () => {
  const slow = Object.assign(new EventEmitter(), { write: () => false });
  const output = createOutput({ stdout: slow, stderr: slow, json: false });
  for (let wait = 0; wait < 20; wait++) {
    const written = output.line("x");
    assert.equal(slow.listenerCount("drain"), 1);
    slow.emit("drain");
    await written;
  }
  assert.equal(slow.listenerCount("error"), 0);
});

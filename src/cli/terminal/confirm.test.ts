import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { confirm } from "./confirm.ts";

const signal = new AbortController().signal;

function terminal(answer: string): PassThrough & { isTTY: boolean } {
  const stream = Object.assign(new PassThrough(), { isTTY: true });
  stream.write(answer);
  return stream;
}

function ask(answer: string): Promise<void> {
  const output = Object.assign(new PassThrough(), { isTTY: true });
  const stdin = terminal(answer);
  return confirm({ stdin, stderr: output, signal }, { what: "discard 2 messages", yes: undefined });
}

test("a yes on the terminal goes on, anything else does not", async () => {
  await ask("y\n");
  await ask(" YES \n");
  await assert.rejects(ask("\n"), { code: "CONFIRMATION_NEEDED" });
  await assert.rejects(ask("n\n"), { code: "CONFIRMATION_NEEDED" });
});

test("without a terminal nothing is asked, and the error names --yes", async () => {
  const stdin = new PassThrough();
  stdin.write("y\n");
  const terminal = { stdin, stderr: new PassThrough(), signal };
  await assert.rejects(
    confirm(terminal, { what: "discard 2 messages", yes: undefined }),
    /this would discard 2 messages; add --yes/,
  );
});

test("--yes needs no terminal", async () => {
  const output = new PassThrough();
  const terminal = { stdin: new PassThrough(), stderr: output, signal };
  await confirm(terminal, { what: "discard", yes: true });
  assert.equal(output.readableLength, 0);
});

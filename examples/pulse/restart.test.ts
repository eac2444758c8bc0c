/** What `start.ts` promises: killed at any moment and started again, it ends with the right totals. */

import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { test, type TestContext } from "node:test";

const START = resolve(import.meta.dirname, "start.ts");
const KILL_AFTER = [20, 150, 300];

/** Starts the program; ends it with SIGKILL at the first line that counts `killAfter` events. */
async function start(
  t: TestContext,
  data: string,
  { rate, killAfter }: { readonly rate: number; readonly killAfter?: number },
): Promise<readonly string[]> {
  const child = spawn(
    process.execPath,
    ["--conditions=source", START, "--once", "--data", data, "--rate", String(rate)],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  t.after(() => child.kill("SIGKILL"));
  const exited = once(child, "exit");
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    const events = Number(/^\s*(\d+) events/.exec(line)?.[1] ?? 0);
    if (killAfter !== undefined && events >= killAfter) child.kill("SIGKILL");
  }
  await exited;
  return lines;
}

// proves: crash-recovery
test("killed three times on its way, the example still ends with the totals of the file", async (t) => {
  const data = mkdtempSync(join(tmpdir(), "millrace-pulse-"));
  try {
    for (const killAfter of KILL_AFTER) {
      const lines = await start(t, data, { rate: 300, killAfter });
      const ended = lines.find((line) => line.startsWith("all "));
      assert.equal(ended, undefined, `it came to its end before ${killAfter} events were seen`);
    }
    const lines = await start(t, data, { rate: 10_000 });
    const totals = lines.findLast((line) => / events \| /.test(line)) ?? "";
    t.diagnostic(totals);
    assert.match(totals, /^800 events \| 15 types, most PushEvent \(425\) .* 5 hot$/);
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});

/** What the program printed, and how it ended. */
interface Ending {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program and calls `during` with each line that it prints. */
async function ending(
  data: string,
  during: (line: string, child: ChildProcess) => void | Promise<void>,
): Promise<Ending> {
  const child = spawn(process.execPath, ["--conditions=source", START, "--data", data]);
  const exited = once(child, "exit");
  let stdout = "";
  let stderr = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      stdout += `${line}\n`;
      await during(line, child);
    }
    const [code]: (number | null)[] = await exited;
    return { code: code ?? null, stdout, stderr };
  } finally {
    child.kill("SIGKILL");
  }
}

test("Ctrl-C amid the feed ends the example quietly, and a second start says who has the data", async () => {
  const data = mkdtempSync(join(tmpdir(), "millrace-pulse-"));
  try {
    let second: Ending | undefined;
    const first = await ending(data, async (line, child) => {
      if (!/[1-9]\d* events/.test(line) || second !== undefined) return;
      second = await ending(data, () => undefined);
      child.kill("SIGINT");
    });
    assert.equal(first.stderr, "");
    assert.match(first.stdout, /stopped; start it again/);
    assert.equal(first.code, 0);
    assert.equal(second?.code, 1);
    assert.match(
      second.stderr,
      /^the data directory .* is open in process \d+; stop that process.*\n$/,
    );
  } finally {
    rmSync(data, { recursive: true, force: true });
  }
});

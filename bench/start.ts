/**
 * Starts: of the built broker with an empty and with a full data directory, and of `npm start` to the
 * first event seen in a view. Needs `npm run build` first. `BENCH_LOG_GB` and `BENCH_QUEUED` set how
 * full the full one is.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { valuesOf } from "../src/index.ts";
import type { Benchmark } from "./harness.ts";
import { createMessages, openEmbedded } from "./load.ts";

const LOG_GB = Number(process.env["BENCH_LOG_GB"] ?? 1);
const QUEUED = Number(process.env["BENCH_QUEUED"] ?? 100_000);
const BUILT = "dist/cli/main.js";

async function fill(directory: string): Promise<void> {
  await using broker = await openEmbedded(join(directory, "broker"));
  await broker.streams.ensureStream({ name: "full", partitions: 4 });
  const large = createMessages(64 * 1024);
  for (let written = 0; written < LOG_GB * 2 ** 30; written += 256 * 64 * 1024) {
    valuesOf(await broker.streams.append("full", Array.from({ length: 256 }, large)));
  }
  await broker.queues.ensureQueue({ name: "full", depthMax: QUEUED });
  const small = createMessages(1024);
  for (let sent = 0; sent < QUEUED; sent += 1000) {
    const items = Array.from({ length: 1000 }, () => ({ message: small() }));
    valuesOf(await broker.queues.send("full", items));
  }
}

/** Resolves with the time from spawning to the first line that matches. */
async function untilLine(child: ChildProcess, pattern: RegExp): Promise<number> {
  const startedMs = performance.now();
  const lines = [child.stdout, child.stderr].map((input) => createInterface({ input: input! }));
  try {
    return await new Promise((resolve, reject) => {
      for (const each of lines) {
        each.on("line", (line) => {
          if (pattern.test(line)) resolve(performance.now() - startedMs);
        });
      }
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`ended with ${code} before it was ready`)));
    });
  } finally {
    for (const each of lines) each.close();
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.stdout?.resume();
  child.stderr?.resume();
  child.kill("SIGTERM");
  await exited;
}

function residentMegabytes(pid: number): number {
  const [, kilobytes = ""] =
    /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) / 1024;
}

async function startBuilt(data: string): Promise<readonly number[]> {
  if (!existsSync(BUILT)) throw new Error(`${BUILT} is missing; run: npm run build`);
  const child = spawn(process.execPath, [BUILT, "start", "--data", data, "--http-port", "0"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    const readyMs = await untilLine(child, /http:\/\/127\.0\.0\.1/);
    return [readyMs, residentMegabytes(child.pid!)];
  } finally {
    await end(child);
  }
}

async function firstEvent(data: string): Promise<number> {
  const child = spawn(
    process.execPath,
    ["--conditions=source", "examples/start.ts", "--data", data],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  try {
    return await untilLine(child, /^pulse +[1-9]\d* events/);
  } finally {
    await end(child);
  }
}

const full = `${LOG_GB} GiB of log and ${QUEUED} queued`;

export const benchmark: Benchmark = {
  name: "start",
  prepare: fill,
  cases: [
    {
      figures: [
        { name: "start of the built broker, empty", unit: "ms", goal: { atMost: 150 } },
        { name: "memory when idle, empty", unit: "MiB", goal: { atMost: 100 } },
      ],
      run: startBuilt,
    },
    {
      figures: [
        { name: `start of the built broker, ${full}`, unit: "ms", goal: { atMost: 150 } },
        { name: `memory when idle, ${full}`, unit: "MiB", goal: { atMost: 100 } },
      ],
      run: (_, prepared) => startBuilt(prepared),
    },
    {
      figures: [
        { name: "npm start to the first event in a view", unit: "ms", goal: { atMost: 3000 } },
      ],
      run: async (directory) => [await firstEvent(directory)],
    },
  ],
};

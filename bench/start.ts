/**
 * Starts: of the built broker, all doors open, with an empty and with a full data directory, and of
 * `npm start` to the first event seen in a view. Needs `npm run build` first. `BENCH_LOG_GB` and
 * `BENCH_QUEUED` set how full the full one is.
 *
 * A start ends when the process says that its ports take connections; what answers behind them is
 * loaded after that, so the time to an answer behind every door, asked at once, stands beside it.
 */

import { spawn, type ChildProcess } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { connect } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as pass } from "node:timers/promises";
import { valuesOf } from "../src/index.ts";
import type { Benchmark, Figure } from "./harness.ts";
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

/** Resolves with the first match in what the process says. */
async function untilSaid(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  const lines = [child.stdout, child.stderr].map((input) => createInterface({ input: input! }));
  let said = "";
  try {
    return await new Promise((resolve, reject) => {
      for (const each of lines) {
        each.on("line", (line) => {
          said += `${line}\n`;
          const found = pattern.exec(said);
          if (found !== null) resolve(found);
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

const READY = /http:\/\/127\.0\.0\.1:(\d+)[^]*kafka: \S+:(\d+)[^]*amqp: \S+:(\d+)/;
/** What each door is asked first: HTTP its health, Kafka its versions, AMQP for its header. */
const QUESTIONS: readonly Buffer[] = [
  Buffer.from("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"),
  Buffer.from("0000000e001200000000000100046d696c6c", "hex"),
  Buffer.from("AMQP\0\x01\0\0", "latin1"),
];
/** By then everything is loaded that a broker without clients loads, and its compiled code is kept. */
const IDLE_AFTER_MS = 6_000;

function answered(port: number, question: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("error", reject);
    socket.once("close", () => reject(new Error(`port ${port} gave no answer`)));
    socket.once("data", () => {
      socket.destroy();
      resolve();
    });
    socket.write(question);
  });
}

async function startBuilt(data: string): Promise<readonly number[]> {
  if (!existsSync(BUILT)) throw new Error(`${BUILT} is missing; run: npm run build`);
  const doors = ["http", "kafka", "amqp"].flatMap((door) => [`--${door}-port`, "0"]);
  const startedMs = performance.now();
  const child = spawn(process.execPath, [BUILT, "start", "--data", data, ...doors], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  try {
    const [, ...ports] = await untilSaid(child, READY);
    const readyMs = performance.now() - startedMs;
    await Promise.all(QUESTIONS.map((question, door) => answered(Number(ports[door]), question)));
    const answeredMs = performance.now() - startedMs;
    await pass(IDLE_AFTER_MS);
    return [readyMs, answeredMs, residentMegabytes(child.pid!)];
  } finally {
    await end(child);
  }
}

async function firstEvent(data: string): Promise<number> {
  const startedMs = performance.now();
  const child = spawn(
    process.execPath,
    ["--conditions=source", "examples/start.ts", "--data", data],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  try {
    await untilSaid(child, /^pulse +[1-9]\d* events/m);
    return performance.now() - startedMs;
  } finally {
    await end(child);
  }
}

function startFigures(contents: string): Figure[] {
  return [
    { name: `start of the built broker, ${contents}`, unit: "ms", goal: { atMost: 150 } },
    { name: "the same, to an answer behind every door", unit: "ms" },
    { name: `memory when idle, all doors open, ${contents}`, unit: "MiB", goal: { atMost: 100 } },
  ];
}

const full = `${LOG_GB} GiB of log and ${QUEUED} queued`;

export const benchmark: Benchmark = {
  name: "start",
  prepare: fill,
  cases: [
    { figures: startFigures("empty"), run: startBuilt },
    { figures: startFigures(full), run: (_, prepared) => startBuilt(prepared) },
    {
      figures: [
        { name: "npm start to the first event in a view", unit: "ms", goal: { atMost: 3000 } },
      ],
      run: async (directory) => [await firstEvent(directory)],
    },
  ],
};

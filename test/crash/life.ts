/** One life of the child: from its start to its death by SIGKILL at a moment of chance. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Random } from "../../src/model/ids.ts";
import { type Assignment, parseReport, type Report } from "./report.ts";

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));
const START_LIMIT_MS = 120_000;

export interface LifeOptions {
  readonly assignment: Assignment;
  readonly death: Death;
  /** Where compiled sources are kept from one life to the next. */
  readonly compileCache: string;
  /** The child lets clients in. */
  readonly onReady: () => void;
  readonly onReport: (report: Report) => void;
}

/** When the child dies, counted from a line of its own: that it opens the directory, or is at work. */
export interface Death {
  readonly from: "opening" | "ready";
  readonly afterMs: number;
  /** And this share of the time that the child took to be ready. */
  readonly ofStart: number;
  /** Before that it is stopped for so long, and goes on. */
  readonly stoppedMs: number;
}

/** Recovery must bear being killed, too. */
const OPENING = 0.1;
const STOPPED = 0.03;
const STOPPED_MS = 300;
const STOPPED_MS_MORE = 1_700;
/** The broker looks for transactions that have timed out so long after its opening. */
const LONG_MS = 10_000;
const LONG_MS_MORE = 600;
/** The turn in which that comes about. */
const LONG_TURN = 40;

/**
 * One child in ten dies while it opens the directory, the others at work. How long they work is told
 * as a share of the time that the child took to be ready: where the machine is slow or busy, a life is
 * as long in work as elsewhere. Clients of the wire are at work as soon as they are let in, so those
 * lives are short; but one of a directory is long enough to see transactions time out.
 */
export function planDeath(
  turn: number,
  { overWire, random }: { readonly overWire: boolean; readonly random: Random },
): Death {
  const opens = random.next() < OPENING;
  const stops = random.next() < STOPPED;
  const chance = random.next();
  const stoppedMs = stops ? STOPPED_MS + chance * STOPPED_MS_MORE : 0;
  const from = "ready";
  if (overWire && turn === LONG_TURN) {
    return { from, afterMs: LONG_MS + chance * LONG_MS_MORE, ofStart: 0, stoppedMs: 0 };
  }
  if (opens) return { from: "opening", afterMs: chance * 100, ofStart: 0, stoppedMs: 0 };
  if (overWire) return { from, afterMs: 30 + chance * 170, ofStart: chance * 0.4, stoppedMs };
  return { from, afterMs: 100, ofStart: chance, stoppedMs };
}

/** Runs a child until it is killed. Everything that it wrote before has been reported on return. */
export async function liveAndDie(options: LifeOptions): Promise<void> {
  const { assignment, death, compileCache, onReady, onReport } = options;
  const child = spawn(process.execPath, ["--conditions=source", CHILD], {
    stdio: ["pipe", "pipe", "inherit"],
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
  });
  const exited = once(child, "exit");
  child.stdin.on("error", () => {});
  child.stdin.end(JSON.stringify(assignment));

  const startedMs = performance.now();
  let timer = setTimeout(() => child.kill("SIGKILL"), START_LIMIT_MS);
  let reached = false;
  for await (const line of createInterface({ input: child.stdout })) {
    const report = completeReport(line);
    if (report === undefined) continue;
    const [component, kind] = report;
    if (component === "child") {
      if (kind === "ready") onReady();
      if (kind !== death.from) continue;
      reached = true;
      clearTimeout(timer);
      const restMs = death.afterMs + death.ofStart * (performance.now() - startedMs);
      timer = setTimeout(() => child.kill("SIGKILL"), restMs + death.stoppedMs);
      if (death.stoppedMs > 0) stopFor(child, { afterMs: restMs / 2, ms: death.stoppedMs });
    } else onReport(report);
  }
  await exited;
  clearTimeout(timer);
  if (child.signalCode !== "SIGKILL") {
    throw new Error(`the child ended by itself with code ${child.exitCode}`);
  }
  if (!reached) throw new Error(`the child was not "${death.from}" within ${START_LIMIT_MS} ms`);
}

/** As a machine that sleeps, or swaps: to its clients it is there and says nothing. */
function stopFor(child: ChildProcess, { afterMs, ms }: { afterMs: number; ms: number }): void {
  setTimeout(() => {
    child.kill("SIGSTOP");
    setTimeout(() => child.kill("SIGCONT"), ms);
  }, afterMs);
}

/** The child may die in the middle of its last line: nothing was reported then. */
function completeReport(line: string): Report | undefined {
  return line.endsWith("]") ? parseReport(line) : undefined;
}

/** One life of the child: from its start to its death by SIGKILL at a moment of chance. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Random } from "../../src/model/ids.ts";
import { type Assignment, parseReport, type Report } from "./report.ts";

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));
const START_LIMIT_MS = 120_000;

export interface LifeOptions {
  readonly assignment: Assignment;
  readonly random: Random;
  readonly onReport: (report: Report) => void;
}

/**
 * When the child dies: one in ten while it opens the directory (recovery must bear being killed, too),
 * the others 100 ms into their work or later. How much later is told as a share of the time that the
 * child took to be ready: where the machine is slow or busy, a life is as long in work as elsewhere.
 */
function planDeath(
  life: number,
  random: Random,
): { readonly from: "opening" | "ready"; readonly afterMs: number; readonly ofStart: number } {
  const chance = random.next();
  if (life % 10 === 5) return { from: "opening", afterMs: chance * 100, ofStart: 0 };
  return { from: "ready", afterMs: 100, ofStart: chance };
}

/** Runs a child until it is killed. Everything that it wrote before has been reported on return. */
export async function liveAndDie({ assignment, random, onReport }: LifeOptions): Promise<void> {
  const death = planDeath(assignment.life, random);
  const child = spawn(process.execPath, ["--conditions=source", CHILD], {
    stdio: ["pipe", "pipe", "inherit"],
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
      if (kind !== death.from) continue;
      reached = true;
      clearTimeout(timer);
      const restMs = death.afterMs + death.ofStart * (performance.now() - startedMs);
      timer = setTimeout(() => child.kill("SIGKILL"), restMs);
    } else onReport(report);
  }
  await exited;
  clearTimeout(timer);
  if (child.signalCode !== "SIGKILL") {
    throw new Error(`the child ended by itself with code ${child.exitCode}`);
  }
  if (!reached) throw new Error(`the child was not "${death.from}" within ${START_LIMIT_MS} ms`);
}

/** The child may die in the middle of its last line: nothing was reported then. */
function completeReport(line: string): Report | undefined {
  return line.endsWith("]") ? parseReport(line) : undefined;
}

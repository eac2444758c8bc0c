/** Processes known by their id alone: started by an earlier command, or by a script in between. */

import { readFileSync } from "node:fs";
import { setTimeout as after } from "node:timers/promises";

export interface ProcessIdentity {
  readonly pid: number;
  /** In ticks since the machine started: another process of the same id began at another time. */
  readonly startTicks: number;
}

const LOOK_EVERY_MS = 20;

/** Undefined when there is no such process. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const fields = statOf(pid);
  return fields === undefined ? undefined : { pid, startTicks: Number(fields[19]) };
}

export function isAlive({ pid, startTicks }: ProcessIdentity): boolean {
  const fields = statOf(pid);
  // A zombie has ended; whoever started it has not yet asked.
  return fields !== undefined && Number(fields[19]) === startTicks && fields[0] !== "Z";
}

/** Harmless when it has ended. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): void {
  if (isAlive(identity)) process.kill(identity.pid, signal);
}

/** Resolves with whether it ended within the time. */
export async function untilEnded(identity: ProcessIdentity, msMax: number): Promise<boolean> {
  const deadlineMs = performance.now() + msMax;
  while (isAlive(identity)) {
    if (performance.now() > deadlineMs) return false;
    await after(LOOK_EVERY_MS);
  }
  return true;
}

/** Seconds of processor time that all threads of a process have used, by the kernel's count. */
export function processorSeconds(pid: number): number {
  const fields = statOf(pid);
  if (fields === undefined) throw new Error(`process ${pid} has ended`);
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** What Linux reports to programs on every platform of today. */
const TICKS_PER_SECOND = 100;

/** The fields of proc_pid_stat(5) behind the program's name: the state is the first. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    return text.slice(text.lastIndexOf(")") + 2).split(" ");
  } catch (error) {
    if (error instanceof Error && "code" in error) {
      if (error.code === "ENOENT" || error.code === "ESRCH") return undefined;
    }
    throw error;
  }
}

/**
 * How long a process has waited for a core: it had something to do, and the machine was busy with others.
 *
 * A server that is asked by clients on the machine it runs on, beside its attackers and whatever else,
 * answers late when it is not run. That says nothing of the server, and it is more than anything else on
 * a machine of two cores. Linux counts it for each thread (`/proc/PID/schedstat`, the second number, in
 * nanoseconds); where it is not told it is zero, and whoever measures there needs a quiet machine.
 */

import { closeSync, openSync, readSync } from "node:fs";

const NS_PER_MS = 1e6;

export interface CoreWaiting extends Disposable {
  /** Of the main thread, since it began. */
  ms(): number;
}

export function followCoreWaiting(pid: number): CoreWaiting {
  const file = openSchedule(pid);
  const line = Buffer.alloc(100);
  let lastMs = 0;
  return {
    ms() {
      if (file === undefined) return 0;
      try {
        const text = line.toString("latin1", 0, readSync(file, line, 0, line.length, 0));
        lastMs = Number(text.split(" ")[1]) / NS_PER_MS;
      } catch {
        // The process is gone: it waits no more.
      }
      return lastMs;
    },
    [Symbol.dispose]() {
      if (file !== undefined) closeSync(file);
    },
  };
}

function openSchedule(pid: number): number | undefined {
  try {
    return openSync(`/proc/${pid}/schedstat`, "r");
  } catch {
    return undefined;
  }
}

/**
 * Asks the machine to run a process before others, so that a server and those who ask it are measured, not
 * what else runs beside them, their attackers among it, which in earnest are on machines of their own.
 *
 * Linux divides the cores among sessions first (sched(7), "The autogroup feature"), so the process must
 * lead one of its own (`detached`), and its session is preferred with it.
 */

import { writeFileSync } from "node:fs";
import { setPriority } from "node:os";

/** By niceness: about nine times the share of others. */
const PREFERRED = -10;

/** Tells whether it may be: only the machine's administrator may prefer anybody. */
export function prefer(pid: number): boolean {
  try {
    setPriority(pid, PREFERRED);
  } catch {
    return false;
  }
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(PREFERRED));
  } catch {
    // No such feature here: the priority alone does it.
  }
  return true;
}

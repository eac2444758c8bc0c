/** The machine's own pace, for virtual time that runs beside real disks and threads. */

import { setImmediate, setTimeout } from "node:timers/promises";

/**
 * Lets the event loop go round, and tells whether the process rests: no answer of the disk or of a
 * worker thread is awaited. Leaves the processor to those while it is.
 */
export async function turnOfLoop(): Promise<boolean> {
  await setImmediate();
  if (!atWork()) return true;
  await setTimeout(1);
  return false;
}

function atWork(): boolean {
  return process
    .getActiveResourcesInfo()
    .some((name) => /^(FSReq|CloseReq|MessagePort|Worker)/.test(name));
}

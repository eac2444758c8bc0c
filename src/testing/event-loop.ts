/** The one place outside the host where a test may wait for the event loop itself. */

import { setImmediate } from "node:timers/promises";

/** Resolves after the event loop has polled for I/O once. */
export function nextTurn(): Promise<void> {
  return setImmediate();
}

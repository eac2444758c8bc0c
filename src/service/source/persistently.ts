/** Asking a store that is out again and again. */

import { delay } from "../../model/clock.ts";
import type { Environment } from "../../model/environment.ts";
import { backoffMs, isStoreOutage } from "../failure.ts";
import type { Part } from "../part.ts";

/**
 * Calls `work` until the store does not fail it, with growing pauses. Throws what else it fails with,
 * and the signal's reason once that aborts.
 */
export async function persistently<Result>(
  { part, environment }: { readonly part: Part; readonly environment: Environment },
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  for (let failures = 1; ; failures++) {
    try {
      return await work();
    } catch (error) {
      if (!isStoreOutage(error) || signal.aborted) throw error;
      environment.log.warn({ part: part.name, failures, error: error.message }, "the store is out");
      await delay(environment.clock, backoffMs(failures, part.policy, environment.random), signal);
    }
  }
}

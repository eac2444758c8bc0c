/** What every room is given in a process in the field. */

import type { Environment, Log } from "../model/environment.ts";
import { createIdSource } from "../model/ids.ts";
import type { Tracer } from "../model/tracer.ts";
import { createRealClock } from "./real-clock.ts";
import { createRealRandom } from "./real-random.ts";

/** The environment of a process in the field: the machine's time and randomness, and this log. */
export function createRealEnvironment(log: Log, tracer?: Tracer): Environment {
  const clock = createRealClock();
  const random = createRealRandom();
  const ids = createIdSource(clock, random);
  return { clock, random, ids, log, ...(tracer !== undefined && { tracer }) };
}

import type { Environment, Log } from "../model/environment.ts";
import { createIdSource } from "../model/ids.ts";
import { createRealClock } from "./real-clock.ts";
import { createRealRandom } from "./real-random.ts";

/** The environment of a process in the field: the machine's time and randomness, and this log. */
export function createRealEnvironment(log: Log): Environment {
  const clock = createRealClock();
  const random = createRealRandom();
  return { clock, random, ids: createIdSource(clock, random), log };
}

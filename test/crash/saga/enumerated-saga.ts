/**
 * The saga killed at every single step, on files: before and after each commit, publish and
 * acknowledgement that its process makes. The other components die at moments of chance; this one
 * leaves no moment between two steps out.
 */

import {
  diskPlace,
  runKilled,
  type Death,
  type KilledRun,
} from "../../../src/saga/killed-saga.test.ts";
import type { RunResult } from "../run-tally.ts";

export const ENUMERATED_SAGA = "saga-enumerated";
const PROGRESS_EVERY = 50;

async function killed(death?: Death): Promise<KilledRun> {
  await using place = await diskPlace();
  return await runKilled(place, { death });
}

/** Stops at the first state from which the saga does not come to its end. */
export async function enumerateSaga(progress: (line: string) => void): Promise<RunResult> {
  const { calls } = await killed();
  const deaths = [...calls.keys()].flatMap((call) => [
    { call, done: false },
    { call, done: true },
  ]);
  let died = 0;
  let repeats = 0;
  const problems: string[] = [];
  for (const [index, death] of deaths.entries()) {
    try {
      const run = await killed(death);
      if (run.died) died++;
      repeats += run.repeats;
    } catch (error) {
      problems.push(
        `${ENUMERATED_SAGA}: ${error instanceof Error ? error.message : String(error)}`,
      );
      break;
    }
    if ((index + 1) % PROGRESS_EVERY === 0) {
      progress(`${ENUMERATED_SAGA}: ${index + 1} of ${deaths.length} deaths`);
    }
  }
  const counts = { "steps died in": died, "calls outside repeated under their key": repeats };
  for (const [name, count] of Object.entries(counts)) {
    if (count === 0) problems.push(`${ENUMERATED_SAGA}: ${name} 0`);
  }
  const told = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return {
    lines: [
      `${ENUMERATED_SAGA}: ${told.join(", ")}${problems.length === 0 ? "; all ended alike" : ""}`,
    ],
    problems,
    demands: 1 + Object.keys(counts).length,
  };
}

/**
 * The kills of a run, dealt to directories: some side by side, and one after another where there are
 * many. A directory bears a few hundred kills and is then looked at whole and removed, so the parent's
 * memory, the disk and the time of a look are bounded however many kills are asked for; and what goes
 * wrong is replayed by the seed of its own directory.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Cast } from "./cast.ts";
import { liveOn } from "./lives.ts";
import type { Control } from "./report.ts";
import { RunTally } from "./run-tally.ts";
import { chooseDoorPorts } from "./wire/door-ports.ts";

/** Fewer on a directory would leave it young. */
const KILLS_MIN = 20;
/** Between the seeds of two directories; the first has the seed of the run. */
const SEED_STEP = 7_919;
const PROGRESS_EVERY = 10;
const MIB = 1024 * 1024;

export interface KillsOptions {
  /** May be endless, where `minutes` are not. */
  readonly kills: number;
  /** No life begins after so many. */
  readonly minutes: number;
  readonly jobs: number;
  /** On one directory. */
  readonly killsEach: number;
  readonly seed: number;
  readonly control: Control | undefined;
  readonly casts: readonly Cast[];
  readonly progress: (line: string) => void;
}

export async function runKills(options: KillsOptions): Promise<RunTally> {
  const { minutes, seed, casts, control, progress } = options;
  const { directories, jobs, killsOf } = dealt(options);
  const compileCache = await mkdtemp(join(tmpdir(), "millrace-crash-compiled-"));
  const endsMs = performance.now() + minutes * 60_000;
  const tally = new RunTally();
  const seen = { kills: 0, withWork: 0, violations: 0, stops: false };
  let next = 0;
  const work = async (ports: Parameters<typeof liveOn>[0]["ports"]): Promise<void> => {
    while (next < directories && !seen.stops) {
      const index = next++;
      let violationsBefore = 0;
      const outcome = await liveOn({
        kills: killsOf(index),
        seed: seed + index * SEED_STEP,
        control,
        casts,
        ports,
        compileCache,
        goesOn: ({ hadWork, violations }) => {
          seen.kills++;
          if (hadWork) seen.withWork++;
          seen.violations += violations - violationsBefore;
          violationsBefore = violations;
          if (seen.kills % PROGRESS_EVERY === 0) progress(lineOf(seen));
          if (performance.now() > endsMs) seen.stops = true;
          // A control goes on: it is asked how much it loses. Else the first finding tells most.
          if (violations > 0 && control === undefined) seen.stops = true;
          return !seen.stops;
        },
      });
      tally.add(outcome);
    }
  };
  try {
    const ports = await chooseDoorPorts(jobs);
    await Promise.all(ports.map(work));
    return tally;
  } finally {
    await rm(compileCache, { recursive: true, force: true });
  }
}

/** As evenly as it goes. */
function dealt({ kills, killsEach, jobs }: KillsOptions): {
  readonly directories: number;
  readonly jobs: number;
  readonly killsOf: (index: number) => number;
} {
  if (kills === Infinity) return { directories: Infinity, jobs, killsOf: () => killsEach };
  const atOnce = Math.max(1, Math.min(jobs, Math.floor(kills / KILLS_MIN)));
  const directories = Math.max(atOnce, Math.ceil(kills / killsEach));
  const killsOf = (index: number): number =>
    Math.floor(kills / directories) + (index < kills % directories ? 1 : 0);
  return { directories, jobs: atOnce, killsOf };
}

function lineOf({
  kills,
  withWork,
  violations,
}: Readonly<Record<"kills" | "withWork" | "violations", number>>): string {
  const rssMib = Math.round(process.memoryUsage.rss() / MIB);
  const text = `${kills} kills, ${withWork} with work in flight, ${violations} violations`;
  return `${new Date().toISOString()} ${text}, ${rssMib} MiB`;
}

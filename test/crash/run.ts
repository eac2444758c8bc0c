/**
 * The kill suite: a child works on one directory, is ended with SIGKILL at moments of chance, and
 * starts again. What the parent has read of its reports is the truth that must be found afterwards.
 *
 * `npm run crash -- [--kills 2000] [--minutes M] [--jobs 2] [--kills-each 200] [--seed N]
 *    [--only a,b] [--control NAME]`
 *
 * `--jobs` servers are killed side by side, `--kills-each` times each on one directory before the next
 * one is taken. Without `--kills`, `--minutes` alone ends the run. The component saga-enumerated is not
 * killed by chance but in every step, once, whatever `--kills` says.
 *
 * Exits with 0 when nothing acknowledged was lost, done twice, put back or out of order, and every
 * count that proves it is more than zero. A control does wrong on purpose and must be found out: it
 * exits with 0 when it was, and with 1 when it was not.
 */

import { parseArgs } from "node:util";
import { onlyOf } from "./cast.ts";
import { CASTS } from "./drivers/index.ts";
import { type KillsOptions, runKills } from "./kills.ts";
import { type Control, CONTROLS, isControl } from "./report.ts";
import type { RunResult } from "./run-tally.ts";
import { ENUMERATED_SAGA, enumerateSaga } from "./saga/enumerated-saga.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string" },
    minutes: { type: "string" },
    jobs: { type: "string", default: "2" },
    "kills-each": { type: "string", default: "200" },
    seed: { type: "string" },
    only: { type: "string" },
    control: { type: "string" },
  },
});

const KILLS_DEFAULT = 50;
const minutes = Number(values.minutes ?? Infinity);
const kills = Number(values.kills ?? (minutes === Infinity ? KILLS_DEFAULT : Infinity));
const jobs = Number(values.jobs);
const killsEach = Number(values["kills-each"]);
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
const components = CASTS.flatMap(({ drivers }) => drivers.map(({ name }) => name));
const all = [...components, ENUMERATED_SAGA];
const names = values.only?.split(",") ?? all;
const casts = onlyOf(CASTS, names);

if (![kills, jobs, killsEach].every(isCount) || !Number.isInteger(seed) || !(minutes > 0)) {
  fail("--kills, --jobs, --kills-each, --seed take whole numbers, --minutes a positive one");
} else if (values.control !== undefined && !isControl(values.control)) {
  fail(`--control takes one of ${Object.keys(CONTROLS).join(", ")}`);
} else if (names.some((name) => !all.includes(name))) {
  fail(`--only takes some of ${all.join(",")}`);
} else {
  const { control } = values;
  process.exitCode = await report({ kills, minutes, jobs, killsEach, seed, casts, control });
}

function isCount(value: number): boolean {
  return (Number.isInteger(value) && value > 0) || value === Infinity;
}

function fail(text: string): void {
  console.error(text);
  process.exitCode = 2;
}

/** How to run one directory again; which of its kills falls where is chance all the same. */
function replayOf(directorySeed: number): string {
  const flags = ["only", "control"] as const;
  const given = flags.flatMap((flag) =>
    values[flag] === undefined ? [] : [` --${flag} ${values[flag]}`],
  );
  const count = Math.min(kills, killsEach);
  return `npm run crash -- --kills ${count} --jobs 1 --seed ${directorySeed}${given.join("")}`;
}

async function report(options: Omit<KillsOptions, "progress">): Promise<number> {
  const { control } = options;
  console.log(`seed ${seed}; replay the first directory with: ${replayOf(seed)}`);
  const progress = (line: string): void => console.log(line);
  const parts: RunResult[] = [];
  const take = (part: RunResult): void => {
    parts.push(part);
    for (const line of part.lines) console.log(line);
  };
  const replays: string[] = [];
  let found = 0;
  if (casts.length > 0) {
    const tally = await runKills({ ...options, progress });
    take(tally.conclude());
    replays.push(...[...tally.seeds].map(replayOf));
    if (control !== undefined) found = tally.found(CONTROLS[control]);
  }
  if (control === undefined && names.includes(ENUMERATED_SAGA)) {
    take(await enumerateSaga(progress));
  }
  if (control !== undefined) {
    return concludeControl(control, found);
  }
  const problems = parts.flatMap((part) => part.problems);
  for (const problem of problems) console.log(`FAILED: ${problem}`);
  const failed = problems.length;
  const demands = parts.reduce((sum, part) => sum + part.demands, 0);
  for (const replay of replays) console.log(`replay with: ${replay}`);
  console.log(`${demands - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

function concludeControl(control: Control, found: number): number {
  const kind = CONTROLS[control];
  console.log(
    found > 0
      ? `control ${control}: ${kind} ${found}, as it must`
      : `FAILED: control ${control}: ${kind} 0, so this suite would not notice it`,
  );
  console.log(found > 0 ? "1 passed, 0 failed" : "0 passed, 1 failed");
  return found > 0 ? 0 : 1;
}

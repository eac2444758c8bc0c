/**
 * The kill suite: a child works on one directory, is ended with SIGKILL at moments of chance, and
 * starts again. What the parent has read of its reports is the truth that must be found afterwards.
 *
 * `node --conditions=source test/crash/run.ts --kills 200 [--seed N] [--only a,b] [--control NAME]`
 *
 * The component saga-enumerated is not killed by chance but in every step, whatever `--kills` says.
 *
 * Exits with 0 when nothing acknowledged was lost, done twice, put back or out of order, and every
 * count that proves it is more than zero. A control does wrong on purpose and must be found out: it
 * exits with 0 when it was, and with 1 when it was not.
 */

import { parseArgs } from "node:util";
import { CASTS } from "./drivers/index.ts";
import { type KillsOptions, type KillsResult, runKills } from "./kills.ts";
import { type Control, CONTROLS, isControl } from "./report.ts";
import { ENUMERATED_SAGA, enumerateSaga } from "./saga/enumerated-saga.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "50" },
    seed: { type: "string" },
    only: { type: "string" },
    control: { type: "string" },
  },
});

const kills = Number(values.kills);
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
const all = [...CASTS.flat().map(({ name }) => name), ENUMERATED_SAGA];
const names = values.only?.split(",") ?? all;
const casts = CASTS.map((cast) => cast.filter(({ name }) => names.includes(name))).filter(
  ({ length }) => length > 0,
);

if (!Number.isInteger(kills) || kills < 1 || !Number.isInteger(seed)) {
  fail("--kills and --seed take whole numbers");
} else if (values.control !== undefined && !isControl(values.control)) {
  fail(`--control takes one of ${Object.keys(CONTROLS).join(", ")}`);
} else if (names.some((name) => !all.includes(name))) {
  fail(`--only takes some of ${all.join(",")}`);
} else {
  const { control } = values;
  process.exitCode = await report({ kills, seed, casts, control });
}

function fail(text: string): void {
  console.error(text);
  process.exitCode = 2;
}

async function report(options: Omit<KillsOptions, "progress">): Promise<number> {
  const { control } = options;
  const flags = ["only", "control"] as const;
  const given = flags.flatMap((flag) =>
    values[flag] === undefined ? [] : [` --${flag} ${values[flag]}`],
  );
  const replay = `npm run crash -- --kills ${kills} --seed ${seed}${given.join("")}`;
  console.log(`seed ${seed}; replay with: ${replay}`);
  const progress = (line: string): void => console.log(line);
  const parts: Omit<KillsResult, "violations">[] = [];
  let found = 0;
  if (casts.length > 0) {
    const killed = await runKills({ ...options, progress });
    parts.push(killed);
    if (control !== undefined) found = killed.violations.get(CONTROLS[control]) ?? 0;
  }
  if (control === undefined && names.includes(ENUMERATED_SAGA)) {
    parts.push(await enumerateSaga(progress));
  }
  const lines = parts.flatMap((part) => part.lines);
  for (const line of lines) console.log(line);
  if (control !== undefined) {
    return concludeControl(control, found);
  }
  const problems = parts.flatMap((part) => part.problems);
  for (const problem of problems) console.log(`FAILED: ${problem}`);
  const failed = problems.length;
  const demands = parts.reduce((sum, part) => sum + part.demands, 0);
  if (failed > 0) console.log(`replay with: ${replay}`);
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

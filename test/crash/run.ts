/**
 * The kill suite: a child works on one directory, is ended with SIGKILL at moments of chance, and
 * starts again. What the parent has read of its reports is the truth that must be found afterwards.
 *
 * `node --conditions=source test/crash/run.ts --kills 200 [--seed N] [--control NAME]`
 *
 * Exits with 0 when nothing acknowledged was lost, done twice, put back or out of order, and every
 * count that proves it is more than zero. A control acknowledges too early on purpose and must lose:
 * it exits with 0 when the loss was found, and with 1 when it was not.
 */

import { parseArgs } from "node:util";
import { runKills } from "./kills.ts";
import { CONTROLS, type Control } from "./report.ts";

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "50" },
    seed: { type: "string" },
    control: { type: "string" },
  },
});

const kills = Number(values.kills);
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
const control = CONTROLS.find((name) => name === values.control);

if (!Number.isInteger(kills) || kills < 1 || !Number.isInteger(seed)) {
  fail("--kills and --seed take whole numbers");
} else if (values.control !== undefined && control === undefined) {
  fail(`--control takes one of ${CONTROLS.join(", ")}`);
} else {
  process.exitCode = await report(kills, seed, control);
}

function fail(text: string): void {
  console.error(text);
  process.exitCode = 2;
}

async function report(kills: number, seed: number, control: Control | undefined): Promise<number> {
  const controlFlag = control === undefined ? "" : ` --control ${control}`;
  const replay = `npm run crash -- --kills ${kills} --seed ${seed}${controlFlag}`;
  console.log(`seed ${seed}; replay with: ${replay}`);
  const result = await runKills({ kills, seed, control, progress: (line) => console.log(line) });
  for (const line of result.lines) console.log(line);
  if (control !== undefined) return concludeControl(control, result.violations.get("lost") ?? 0);
  for (const problem of result.problems) console.log(`FAILED: ${problem}`);
  const failed = result.problems.length;
  if (failed > 0) console.log(`replay with: ${replay}`);
  console.log(`${result.demands - failed} passed, ${failed} failed`);
  return failed > 0 ? 1 : 0;
}

function concludeControl(control: Control, lost: number): number {
  console.log(
    lost > 0
      ? `control ${control}: lost ${lost}, as it must`
      : `FAILED: control ${control} lost nothing, so this suite would not notice a loss`,
  );
  console.log(lost > 0 ? "1 passed, 0 failed" : "0 passed, 1 failed");
  return lost > 0 ? 0 : 1;
}

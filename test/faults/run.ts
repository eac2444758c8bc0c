/**
 * The fault suite: what a server does when its disk fails, fills up or changes bits.
 *
 * `npm run faults -- [--only calls,full,flips,cuts] [--quick] [--seed N] [--control NAME]`
 *
 * `calls`: at every call of the server to its disk, in lives that end in order and by a kill, each way
 * in which that call can fail, while Kafka clients and a service work through the door.
 * `full`: a disk with room for so many bytes, for every such number, with room made later; and one whose
 * free space falls below the floor after every step.
 * `flips`: every bit of small data directories, one at a time.
 * `cuts`: the power at every step, in the tests named power-cut, of which `npm test` takes a sample.
 *
 * `--quick` takes a share of each, chosen by the seed. A control does wrong on purpose and must be found
 * out: then the exit code is 0, else 1. Without a control it is 0 when no law was broken.
 */

import { parseArgs } from "node:util";
import { runAllCalls } from "./calls/run-calls.ts";
import { runFull } from "./calls/run-full.ts";
import { runFlips } from "./flips/run-flips.ts";
import { runCuts } from "./cuts/run-cuts.ts";

const SUITES = ["calls", "full", "flips", "cuts"];
/** Of so many faults and flips a quick run tries one. */
const QUICK = { calls: 29, full: 29, flips: 97 };
const CONTROL = { calls: 41, flips: 997 };
const SHOWN_MAX = 40;

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    quick: { type: "boolean", default: false },
    seed: { type: "string" },
    control: { type: "string" },
  },
});
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
const names = values.only?.split(",") ?? SUITES;
const unhandled: string[] = [];
process.on("unhandledRejection", (error) => {
  unhandled.push(error instanceof Error ? (error.stack ?? error.message) : String(error));
});

interface Told {
  /** What was tried and held to the laws. */
  readonly tried: number;
  readonly broken: readonly string[];
}

/** Each does wrong in one way, and names the law that must find it out. */
const CONTROLS: Readonly<Record<string, { law: RegExp; run: () => Promise<Told> }>> = {
  /** A disk that loses what was not synced, and says that it has synced. */
  "lying-sync": {
    law: /: (lost|not restarted cleanly|a wrong answer): /,
    run: () => calls(CONTROL.calls, true),
  },
  /** As a reader that does not look at checksums. */
  "unchecked-sums": { law: /served what was not written/, run: () => flips(CONTROL.flips, true) },
};

if (names.some((name) => !SUITES.includes(name)) || !Number.isInteger(seed)) {
  console.error(`--only takes some of ${SUITES.join(",")}; --seed takes a whole number`);
  process.exit(2);
}
const { control } = values;
if (control !== undefined && CONTROLS[control] === undefined) {
  console.error(`--control takes one of ${Object.keys(CONTROLS).join(", ")}`);
  process.exit(2);
}
const flags = [
  ...(values.only === undefined ? [] : [` --only ${values.only}`]),
  ...(values.quick ? [" --quick"] : []),
  ...(control === undefined ? [] : [` --control ${control}`]),
].join("");
console.log(`seed ${seed}; replay with: npm run faults -- --seed ${seed}${flags}`);
process.exit(control === undefined ? await runSuites() : await runControl(control));

async function runSuites(): Promise<number> {
  const told: Told[] = [];
  if (names.includes("calls")) told.push(await calls(values.quick ? QUICK.calls : 1, false));
  if (names.includes("full")) told.push(await full(values.quick ? QUICK.full : 1));
  if (names.includes("flips")) told.push(await flips(values.quick ? QUICK.flips : 1, false));
  if (names.includes("cuts")) told.push(await runCuts(values.quick));
  const broken = [...told.flatMap((one) => one.broken), ...unhandled];
  const tried = told.reduce((sum, one) => sum + one.tried, 0);
  for (const law of broken.slice(0, SHOWN_MAX)) console.log(`FAILED: ${law}`);
  console.log(`${Math.max(0, tried - broken.length)} passed, ${broken.length} failed`);
  return broken.length === 0 && tried > 0 ? 0 : 1;
}

async function runControl(name: string): Promise<number> {
  const { law, run } = CONTROLS[name]!;
  const { tried, broken } = await run();
  const found = broken.filter((text) => law.test(text)).length;
  console.log(
    found > 0
      ? `control ${name}: found ${found} times in ${tried}, as it must be`
      : `FAILED: control ${name}: not found in ${tried}, so this suite would not notice it`,
  );
  console.log(found > 0 ? "1 passed, 0 failed" : "0 passed, 1 failed");
  return found > 0 ? 0 : 1;
}

async function calls(every: number, silent: boolean): Promise<Told> {
  const told = await runAllCalls({ every, from: seed, silent });
  const tried = sum(told.faults.values());
  console.log(`calls: ${told.calls} calls to the disk, ${tried} faults, one in ${every}`);
  for (const [kind, count] of told.faults) console.log(`  ${count} × ${kind}`);
  console.log(
    `  ${told.refused} openings refused with a remedy, and opened when the disk was whole`,
  );
  const answers = [...told.answers].map(([answer, count]) => `${answer} × ${count}`);
  console.log(`  answers that said no: ${answers.join(", ")}`);
  return { tried, broken: told.broken };
}

async function full(every: number): Promise<Told> {
  const told = await runFull({ every, from: seed });
  console.log(
    `full: ${told.rooms} rooms and ${told.floors} moments below the floor, one in ${every}`,
  );
  console.log(
    `  ${told.refusing} rooms were too small for something, ${told.refusedOpenings} for an opening; ` +
      `${told.letGo} acknowledgements passed below the floor`,
  );
  return { tried: told.rooms + told.floors, broken: told.broken };
}

async function flips(every: number, checksumFollows: boolean): Promise<Told> {
  const { counts, broken } = await runFlips({ every, from: seed, checksumFollows });
  const tried = sum(Array.from(counts.values(), (count) => count.flips));
  console.log(`flips: ${tried} bits, one in ${every}`);
  for (const [kind, count] of counts) {
    console.log(
      `  ${kind}: ${count.flips} flips, seen at the start ${count.atOpen}, by verify ${count.byVerify}, ` +
        `by a read alone ${count.byRead}, harmless ${count.harmless}, served wrong ${count.wrong}`,
    );
  }
  return { tried, broken };
}

function sum(numbers: Iterable<number>): number {
  return Array.from(numbers).reduce((total, number) => total + number, 0);
}

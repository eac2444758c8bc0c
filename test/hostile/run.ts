/**
 * The hostile suite: clients that do nothing wrong work while others attack a door, each attack in a
 * process of its own.
 *
 * `npm run hostile -- [--only a,b] [--ms 5000] [--share 0.1] [--seed N] [--control NAME]`
 *
 * Prints for each attack what was done, how long healthy clients waited without it and with it, and
 * what memory the server took at most. "Without" means that the same attack goes on against another
 * server, in turn: what attackers and the machine's other work take of its cores would otherwise be
 * measured with the door. An attack is held when the server lived, healthy clients were answered
 * throughout, their p99 stayed below twice what it was, memory below its bound, nothing was logged as a
 * defect, and what the attack counted is as it must be.
 *
 * Who waits too long is measured again, twice at most: on a machine that others use too, one p99 of a few
 * seconds is theirs as often as ours, and a door that is slow is slow each time.
 *
 * A control switches a bound of the doors off; it passes when its attack is not held, for the reason that
 * the control names.
 */

import { setTimeout as after } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Counts } from "./attack.ts";
import { ATTACKS } from "./attacks.ts";
import { CONTROLS } from "./controls.ts";
import { FILL } from "./fill.ts";
import { HEALTHY, percentile, type HealthyClients } from "./healthy.ts";
import { startAttack, startServer, type Attacker, type Server } from "./stage.ts";

const MIB = 1024 * 1024;
/** The doors' own bounds, one frame beyond, garbage, and what the process takes without any client. */
const RESIDENT_BYTES_MAX = 1024 * MIB;
/** Below it a p99 says more about the machine than about the server. */
const NOISE_MS = 5;
const SAMPLE_MS = 200;
const ROUNDS = 2;
const AGAIN_MAX = 2;
/** Ten thousand connections on a busy machine. */
const SETTING_UP_MS = 60_000;
const SLOW = "healthy clients waited too long";

const { values } = parseArgs({
  options: {
    only: { type: "string" },
    ms: { type: "string", default: "5000" },
    share: { type: "string", default: "1" },
    seed: { type: "string" },
    control: { type: "string" },
  },
});
const { control } = values;
const durationMs = Number(values.ms);
const share = Number(values.share);
const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
if (control !== undefined && CONTROLS[control] === undefined) {
  usage(`there is no control ${control}; there are ${Object.keys(CONTROLS).join(", ")}`);
}
const names =
  control === undefined
    ? (values.only?.split(",") ?? Object.keys(ATTACKS))
    : [CONTROLS[control]!.attack];
for (const name of names) {
  if (ATTACKS[name] === undefined) {
    usage(`there is no attack ${name}; there are ${Object.keys(ATTACKS).join(", ")}`);
  }
}

console.log(`seed ${seed}, ${durationMs} ms each, share ${share}`);
let failed = 0;
for (const name of names) {
  let problems = await attacked(name);
  for (let again = 0; again < AGAIN_MAX && problems.every((problem) => problem === SLOW); again++) {
    if (problems.length === 0) break;
    console.log("  measured again");
    problems = await attacked(name);
  }
  if (control !== undefined) {
    const { foundBy } = CONTROLS[control]!;
    const found = problems.some((problem) => foundBy.test(problem));
    console.log(
      found
        ? `control ${control}: found, as it must`
        : `FAILED: control ${control} was held, so this suite would not notice it`,
    );
    if (!found) failed++;
  } else if (problems.length > 0) failed++;
}
console.log(`${names.length - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);

function usage(problem: string): never {
  console.error(problem);
  process.exit(2);
}

/** Returns what was not held. */
async function attacked(name: string): Promise<readonly string[]> {
  const { door, broken, fills } = ATTACKS[name]!;
  await using server = await startServer("open", control);
  await using decoy = await startServer("open", control);
  if (fills) for (const { ports } of [server, decoy]) await FILL[door](ports[door]);
  const healthy = await HEALTHY[door](server.ports[door]);
  await healthy.work(durationMs / 2);
  const calm: number[] = [];
  const under: number[] = [];
  const done: Counts = {};
  const problems: string[] = [];
  let residentBytes = 0;
  let asking: Promise<void> = Promise.resolve();
  const sample = async (): Promise<void> => {
    residentBytes = Math.max(residentBytes, (await server.facts()).residentBytes);
  };
  const sampler = setInterval(() => {
    asking = asking.then(sample).catch(() => undefined);
  }, SAMPLE_MS);
  const attackers: Attacker[] = [];
  const against = ({ ports }: Server, round: number): Attacker => {
    const attacker = startAttack(name, ports[door], seed + round, share);
    attackers.push(attacker);
    return attacker;
  };
  const rounds = async (): Promise<void> => {
    for (let round = 0; round < ROUNDS; round++) {
      calm.push(...(await measured(healthy, against(decoy, round), {})));
      under.push(...(await measured(healthy, against(server, round), done)));
    }
  };
  const late = new AbortController();
  const deadlineMs = SETTING_UP_MS + 10 * durationMs;
  await Promise.race([
    rounds().catch((error: unknown) => {
      problems.push(String(error));
    }),
    after(deadlineMs, undefined, { signal: late.signal, ref: false }).then(
      () => problems.push(`it did not come to its end within ${deadlineMs} ms`),
      () => undefined,
    ),
  ]);
  late.abort();
  for (const attacker of attackers) attacker.kill();
  clearInterval(sampler);
  if (problems.length === 0) await asking;
  healthy.close();
  if (!server.alive) problems.push("the server died");
  else if (problems.length === 0) {
    const facts = await server.facts();
    if (facts.errors > 0) problems.push(`${facts.errors} errors were logged`);
    const odd = broken?.(done, share * ROUNDS, facts);
    if (odd !== undefined) problems.push(odd);
  }
  const [before, since] = [percentile(calm, 0.99), percentile(under, 0.99)];
  if (since >= 2 * before && since > NOISE_MS) problems.push(SLOW);
  if (residentBytes >= RESIDENT_BYTES_MAX) problems.push("it took too much memory");
  const shown = Object.entries(done).map(([what, count]) => `${count} ${what}`);
  const told = (taken: readonly number[]): string =>
    `${taken.length} answers, p50 ${percentile(taken, 0.5).toFixed(1)} p99 ${percentile(taken, 0.99).toFixed(1)} ms`;
  console.log(
    [
      `${problems.length === 0 ? "held" : "FAILED"} ${name}: ${shown.join(", ")}`,
      `  healthy: ${told(calm)} calm; ${told(under)} under attack (x${(since / before).toFixed(2)})`,
      `  server: ${Math.round(residentBytes / MIB)} MiB at most`,
      ...problems.map((problem) => `  ${problem}`),
    ].join("\n"),
  );
  return problems;
}

/** Work goes on while the attacker sets up; it is measured from then on. */
async function measured(
  healthy: HealthyClients,
  attack: Attacker,
  done: Counts,
): Promise<readonly number[]> {
  const ready = attack.ready.then(() => "ready" as const);
  while ((await Promise.race([ready, healthy.work(SAMPLE_MS)])) !== "ready");
  const taken = await healthy.work(durationMs / ROUNDS);
  for (const [what, count] of Object.entries(await attack.stop())) {
    done[what] = (done[what] ?? 0) + count;
  }
  return taken;
}

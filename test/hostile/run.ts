/**
 * The hostile suite: clients that do nothing wrong work while others attack a door, each attack in a
 * process of its own.
 *
 * `npm run hostile -- [--only a,b] [--ms 5000] [--share 0.1] [--seed N] [--control NAME] [--profile DIR]`
 *
 * Prints for each attack what was done, how long healthy clients waited without it and with it
 * (`alternate.ts` says how that is compared), and what memory the server took at most. An attack is held
 * when the server lived, healthy clients were answered throughout, their p99 stayed below twice what it
 * is without the attack, memory below its bound, nothing was logged as a defect, and what the attack
 * counted is as it must be.
 *
 * An attack that looks slow, and nothing else, is measured once more and for twice as long; that counts.
 *
 * A control switches a bound of the doors off; it passes when its attack is not held, for the reason that
 * the control names.
 */

import { once } from "node:events";
import { setTimeout as after } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Counts } from "./attacks/attack.ts";
import { ATTACKS } from "./attacks/attacks.ts";
import { CONTROLS } from "./controls.ts";
import { FILL } from "./fill.ts";
import { alternate, judge, percentile, type Pair } from "./alternate.ts";
import { HEALTHY } from "./healthy.ts";
import { prefer } from "./preferred.ts";
import { startAttack, startServer, type Server } from "./stage.ts";

const MIB = 1024 * 1024;
/** The doors' own bounds, one frame beyond, garbage, and what the process takes without any client. */
const RESIDENT_BYTES_MAX = 1024 * MIB;
const SAMPLE_MS = 200;
/** Nobody is kept waiting so long, however seldom. */
const LONGEST_MS = 3_000;
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
    profile: { type: "string" },
  },
});
const { control } = values;
const ms = Number(values.ms);
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

const preferred = prefer(process.pid)
  ? ""
  : ", on a machine that may not prefer us: its other work is measured, too";
console.log(`seed ${seed}, ${ms} ms each, share ${share}${preferred}`);
let failed = 0;
for (const name of names) {
  let problems = await attacked(name, ms);
  if (problems.length > 0 && problems.every((problem) => problem === SLOW)) {
    problems = await attacked(name, 2 * ms);
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
async function attacked(name: string, durationMs: number): Promise<readonly string[]> {
  const { door, broken, fills } = ATTACKS[name]!;
  await using server = await startServer({ control, profile: values.profile });
  await using calmServer = await startServer();
  if (fills) for (const { ports } of [server, calmServer]) await FILL[door](ports[door]);
  const healthy = {
    calm: await HEALTHY[door](calmServer),
    attacked: await HEALTHY[door](server),
  };
  await Promise.all(Object.values(healthy).map((clients) => clients.work(durationMs / 2)));
  const problems: string[] = [];
  const attack = startAttack(name, { port: server.ports[door], seed, share });
  const full = new AbortController();
  const memory = followMemory(server, () => full.abort());
  let pairs: readonly Pair[] = [];
  let done: Counts = {};
  const measure = async (): Promise<void> => {
    await attack.ready;
    pairs = await alternate(healthy, durationMs);
    done = await attack.stop();
  };
  const late = new AbortController();
  const deadlineMs = SETTING_UP_MS + 10 * durationMs;
  await Promise.race([
    // Further, and it would be the machine's memory.
    once(full.signal, "abort"),
    measure().catch((error: unknown) => {
      problems.push(String(error));
    }),
    after(deadlineMs, undefined, { signal: late.signal, ref: false }).then(
      () => problems.push(`it did not come to its end within ${deadlineMs} ms`),
      () => undefined,
    ),
  ]);
  late.abort();
  attack.kill();
  const residentBytes = memory.stop();
  for (const clients of Object.values(healthy)) clients.close();
  if (residentBytes >= RESIDENT_BYTES_MAX) problems.push("it took too much memory");
  if (!server.alive) problems.push("the server died");
  else if (problems.length === 0) {
    const facts = await server.facts();
    if (facts.errors > 0) problems.push(`${facts.errors} errors were logged`);
    const odd = broken?.(done, share, facts);
    if (odd !== undefined) problems.push(odd);
  }
  const { isSlow, slowPairs, ratio, longestMs } = judge(pairs);
  if (isSlow) problems.push(SLOW);
  if (longestMs > LONGEST_MS) problems.push(`somebody waited ${Math.round(longestMs)} ms`);
  const told = (of: keyof Pair): string => {
    const waited = pairs.flatMap((pair) => pair[of]);
    const at = (part: number): string => percentile(waited, part).toFixed(1);
    return `${waited.length} answers, p50 ${at(0.5)} p99 ${at(0.99)} longest ${at(1)} ms`;
  };
  console.log(
    [
      `${problems.length === 0 ? "held" : "FAILED"} ${name}: ${countsOf(done)}`,
      `  calm: ${told("calm")}`,
      `  attacked: ${told("attacked")}; p99 x${ratio.toFixed(2)}, slow in ${slowPairs.attacked} of ${pairs.length} pairs, the calm in ${slowPairs.calm}`,
      `  server: ${Math.round(residentBytes / MIB)} MiB at most`,
      ...problems.map((problem) => `  ${problem}`),
    ].join("\n"),
  );
  return problems;
}

function countsOf(done: Counts): string {
  return Object.entries(done)
    .map(([what, count]) => `${count} ${what}`)
    .join(", ");
}

/**
 * Asks the server what it takes until stopped; the answer is the most that it took. Calls `full` when that
 * is beyond all bounds.
 */
function followMemory(server: Server, full: () => void): { stop(): number } {
  let residentBytes = 0;
  const stopping = new AbortController();
  const { signal } = stopping;
  void (async (): Promise<void> => {
    while (!signal.aborted && server.alive) {
      residentBytes = Math.max(residentBytes, (await server.facts()).residentBytes);
      if (residentBytes >= RESIDENT_BYTES_MAX) full();
      await after(SAMPLE_MS, undefined, { signal });
    }
  })().catch(() => undefined);
  return {
    stop() {
      stopping.abort();
      return residentBytes;
    },
  };
}

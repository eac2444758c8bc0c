/** Many lives on one directory, and what is found between them and at the end. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRealEnvironment } from "../../src/host/real-environment.ts";
import { createSeededRandom } from "../../src/model/ids.ts";
import { openCrashBroker } from "./broker.ts";
import { type ComponentRecord, type Driver, type Violation, VIOLATION_KINDS } from "./driver.ts";
import { chooseDoorPorts } from "./wire/door-ports.ts";
import { InFlightHistogram } from "./histogram.ts";
import { liveAndDie } from "./life.ts";
import type { Control, DoorPorts } from "./report.ts";
import { stderrLog } from "./stderr-log.ts";

/** Between these the child starts on what the kill left; here the parent opens and closes it first. */
const VERIFY_EVERY = 10;
const VIOLATIONS_SHOWN = 10;
const WITH_WORK_AT_LEAST = 0.8;

export interface KillsOptions {
  readonly kills: number;
  readonly seed: number;
  readonly control: Control | undefined;
  /** The components, in groups that take turns. */
  readonly casts: readonly (readonly Driver[])[];
  readonly progress: (line: string) => void;
}

export interface KillsResult {
  readonly lines: readonly string[];
  /** Why the run fails; empty when it does not. */
  readonly problems: readonly string[];
  readonly violations: ReadonlyMap<Violation["kind"], number>;
  /** How many things were demanded: of each kind of violation none, of each count more than none. */
  readonly demands: number;
}

export async function runKills(options: KillsOptions): Promise<KillsResult> {
  const directory = await mkdtemp(join(tmpdir(), "millrace-crash-"));
  const drivers = options.casts.flat();
  const records = new Map(drivers.map((driver) => [driver.name, driver.createRecord()]));
  const { control, seed } = options;
  const ports = await chooseDoorPorts();
  try {
    for (const record of records.values()) {
      await record.open?.({ control, ports, random: createSeededRandom(seed) });
    }
    return await runOn({ directory, ports }, records, options);
  } finally {
    for (const record of records.values()) await record.close?.();
    await rm(directory, { recursive: true, force: true });
  }
}

interface Place {
  readonly directory: string;
  readonly ports: DoorPorts;
}

async function runOn(
  { directory, ports }: Place,
  records: ReadonlyMap<string, ComponentRecord>,
  { kills, seed, casts, control, progress }: KillsOptions,
): Promise<KillsResult> {
  const random = createSeededRandom(seed);
  const histogram = new InFlightHistogram();

  for (let life = 1; life <= kills; life++) {
    const cast = casts[life % casts.length]!;
    const components = cast.map(({ name }) => name);
    const served = cast.some(({ overWire }) => overWire === true) ? ports : null;
    const working = components.map((name) => [name, records.get(name)!] as const);
    const resume = Object.fromEntries(working.map(([name, record]) => [name, record.resume()]));
    for (const [, record] of working) record.living?.();
    await liveAndDie({
      assignment: { directory, seed, life, control, components, resume, ports: served },
      random,
      onReport: (report) => records.get(report[0])?.take(report),
    });
    histogram.add(Object.assign({}, ...working.map(([, record]) => record.died())));
    if (life === kills || life % VERIFY_EVERY === 0) {
      await verify({ directory, ports }, records, life === kills);
      const found = [...records.values()].reduce(
        (sum, { violations }) => sum + violations.length,
        0,
      );
      progress(
        `${life} kills, ${histogram.killsWithWork} with work in flight, ${found} violations`,
      );
      // A control goes on: it is asked how much it loses. Else the first finding tells most.
      if (found > 0 && control === undefined) break;
    }
  }
  return conclude(records, histogram);
}

async function verify(
  { directory, ports }: Place,
  records: ReadonlyMap<string, ComponentRecord>,
  last: boolean,
): Promise<void> {
  const environment = createRealEnvironment(stderrLog);
  await using broker = await openCrashBroker(directory, environment, ports);
  for (const [name, record] of records) {
    try {
      await record.verify({ broker, directory, environment }, { last });
    } catch (cause) {
      throw new Error(`${name} could not be verified`, { cause });
    }
  }
}

function conclude(
  records: ReadonlyMap<string, ComponentRecord>,
  histogram: InFlightHistogram,
): KillsResult {
  const lines = ["", ...histogram.lines(), ""];
  const problems: string[] = [];
  let demands = 1;
  const counts = new Map<Violation["kind"], number>(VIOLATION_KINDS.map((kind) => [kind, 0]));
  for (const [name, { totals, violations, remarks = [] }] of records) {
    for (const [what, count] of Object.entries(totals)) {
      lines.push(`  ${name}: ${count} ${what}`);
      demands++;
      if (count === 0) problems.push(`${name}: no ${what}, so nothing is proved`);
    }
    for (const remark of remarks) lines.push(`  ${name}: ${remark}`);
    for (const { kind } of violations) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    for (const { kind, text } of violations.slice(0, VIOLATIONS_SHOWN)) {
      lines.push(`  ${name}: ${kind}: ${text}`);
    }
  }
  lines.push("", `  ${[...counts].map(([kind, count]) => `${kind} ${count}`).join(", ")}`);
  demands += counts.size;
  for (const [kind, count] of counts) if (count > 0) problems.push(`${kind}: ${count}`);
  const { kills, killsWithWork } = histogram;
  lines.push(`  ${killsWithWork} of ${kills} kills had work in flight`);
  if (killsWithWork < kills * WITH_WORK_AT_LEAST) {
    problems.push(`only ${killsWithWork} of ${kills} kills had work in flight`);
  }
  return { lines, problems, violations: counts, demands };
}

/**
 * Many lives on one directory, and what is found between them and at the end.
 *
 * What a cast left is looked at after every ten of its lives, by the parent, which opens the directory
 * as the next child would; in between a child starts on what the kill left. At the end everything is
 * looked at whole.
 */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createRealEnvironment } from "../../src/host/real-environment.ts";
import { createSeededRandom } from "../../src/model/ids.ts";
import { openCrashBroker } from "./broker.ts";
import { type Cast, roundOf } from "./cast.ts";
import type { ComponentRecord } from "./driver.ts";
import { InFlightHistogram } from "./histogram.ts";
import { liveAndDie, planDeath } from "./life.ts";
import type { Control, DoorPorts } from "./report.ts";
import { stderrLog } from "./stderr-log.ts";

const VERIFY_EVERY = 10;

export interface LivesOptions {
  readonly kills: number;
  readonly seed: number;
  readonly control: Control | undefined;
  readonly casts: readonly Cast[];
  readonly ports: DoorPorts;
  readonly compileCache: string;
  /** Told after each life; false ends the run, with everything looked at. */
  readonly goesOn: (life: { readonly hadWork: boolean; readonly violations: number }) => boolean;
}

/** What became of one directory. */
export interface LivesOutcome {
  readonly seed: number;
  readonly histogram: InFlightHistogram;
  readonly records: ReadonlyMap<string, ComponentRecord>;
}

export async function liveOn(options: LivesOptions): Promise<LivesOutcome> {
  const { casts, control, seed, ports } = options;
  const directory = await mkdtemp(join(tmpdir(), "millrace-crash-"));
  const drivers = casts.flatMap((cast) => cast.drivers);
  const records = new Map(drivers.map((driver) => [driver.name, driver.createRecord()]));
  try {
    for (const record of records.values()) {
      await record.open?.({ control, ports, random: createSeededRandom(seed) });
    }
    const histogram = await runLives(options, { directory, records });
    return { seed, histogram, records };
  } finally {
    for (const record of records.values()) await record.close?.();
    await rm(directory, { recursive: true, force: true });
  }
}

interface Place {
  readonly directory: string;
  readonly records: ReadonlyMap<string, ComponentRecord>;
}

async function runLives(options: LivesOptions, place: Place): Promise<InFlightHistogram> {
  const { kills, seed, casts, control, ports, compileCache, goesOn } = options;
  const { directory, records } = place;
  const random = createSeededRandom(seed);
  const histogram = new InFlightHistogram();
  const round = roundOf(casts);
  const turns = new Map(casts.map((cast) => [cast, 0]));
  for (let life = 1, ends = false; !ends; life++) {
    const cast = round[(life - 1) % round.length]!;
    const turn = turns.get(cast)! + 1;
    turns.set(cast, turn);
    const working = cast.drivers.map(({ name }) => [name, records.get(name)!] as const);
    const overWire = cast.drivers.some((driver) => driver.overWire === true);
    const inChild = cast.drivers.filter((driver) => driver.overWire !== true);
    const resume = Object.fromEntries(working.map(([name, record]) => [name, record.resume()]));
    await liveAndDie({
      assignment: {
        directory,
        seed,
        life,
        control,
        components: inChild.map(({ name }) => name),
        resume,
        ports: overWire ? ports : null,
      },
      death: planDeath(turn, { overWire, random }),
      compileCache,
      onReady: () => {
        for (const [, record] of working) record.living?.();
      },
      onReport: (report) => records.get(report[0])?.take(report),
    });
    const inFlight = Object.assign({}, ...working.map(([, record]) => record.died()));
    const hadWork = histogram.add(inFlight);
    if (turn % VERIFY_EVERY === 0) await verify(place, { ports, of: working, last: false });
    ends = !goesOn({ hadWork, violations: violationsOf(records) }) || life === kills;
  }
  await verify(place, { ports, of: [...records], last: true });
  return histogram;
}

function violationsOf(records: ReadonlyMap<string, ComponentRecord>): number {
  return [...records.values()].reduce((sum, { violations }) => sum + violations.length, 0);
}

async function verify(
  { directory }: Place,
  {
    ports,
    of,
    last,
  }: {
    readonly ports: DoorPorts;
    readonly of: readonly (readonly [name: string, record: ComponentRecord])[];
    readonly last: boolean;
  },
): Promise<void> {
  const environment = createRealEnvironment(stderrLog);
  await using broker = await openCrashBroker(directory, environment, ports);
  for (const [name, record] of of) {
    try {
      await record.verify({ broker, directory, environment }, { last });
    } catch (cause) {
      throw new Error(`${name} could not be verified`, { cause });
    }
  }
}

/** The process that is killed: opens the directory, starts its components, and works until it dies. */

import { flushCompileCache } from "node:module";
import { text } from "node:stream/consumers";
import { createRealEnvironment } from "../../src/host/real-environment.ts";
import { holdProcess } from "../../src/host/real-clock.ts";
import { createSeededRandom } from "../../src/model/ids.ts";
import { openCrashBroker } from "./broker.ts";
import type { Driver } from "./driver.ts";
import { type Assignment, READY, tellOn, writeWhole } from "./report.ts";
import { stderrLog } from "./stderr-log.ts";
import { served } from "./wire/served.ts";

const STANDARD_OUTPUT = 1;

const assignment: Assignment = JSON.parse(await text(process.stdin));
const { directory, control, seed, life, components, resume, ports } = assignment;
const write = (line: string): void => writeWhole(STANDARD_OUTPUT, line);
const drivers = await driversOf(components);

holdProcess();
tellOn(write, "child")("opening");
const environment = createRealEnvironment(stderrLog);
const broker = await openCrashBroker(directory, environment, ports);

const random = createSeededRandom(seed + life);
const opened = { broker, directory, environment };
const started = await Promise.all(
  drivers.map((driver) => {
    const tell = tellOn(write, driver.name);
    const own = resume[driver.name] ?? null;
    return driver.start({ ...opened, control, life, random, tell, resume: own });
  }),
);
if (ports !== null) await served(ports);
for (const begin of started) begin?.();
write(`${JSON.stringify(READY)}\n`);
// A process that is killed does not do so by itself; the next one need not compile again.
flushCompileCache();

/** A server that only lets clients in need not load what the others are made of. */
async function driversOf(names: readonly string[]): Promise<readonly Driver[]> {
  if (names.length === 0) return [];
  const { CASTS } = await import("./drivers/index.ts");
  return CASTS.flatMap(({ drivers }) => drivers).filter(({ name }) => names.includes(name));
}

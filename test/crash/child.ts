/** The process that is killed: opens the directory, starts its components, and works until it dies. */

import { text } from "node:stream/consumers";
import { createRealEnvironment } from "../../src/host/real-environment.ts";
import { holdProcess } from "../../src/host/real-clock.ts";
import { createSeededRandom } from "../../src/model/ids.ts";
import { openCrashBroker } from "./broker.ts";
import { CASTS } from "./drivers/index.ts";
import { type Assignment, READY, tellOn, writeWhole } from "./report.ts";
import { stderrLog } from "./stderr-log.ts";

const STANDARD_OUTPUT = 1;

const assignment: Assignment = JSON.parse(await text(process.stdin));
const { directory, control, seed, life, components, resume, ports } = assignment;
const write = (line: string): void => writeWhole(STANDARD_OUTPUT, line);

holdProcess();
tellOn(write, "child")("opening");
const environment = createRealEnvironment(stderrLog);
const broker = await openCrashBroker(directory, environment, ports);

const random = createSeededRandom(seed + life);
const opened = { broker, directory, environment };
const started = await Promise.all(
  CASTS.flat()
    .filter(({ name }) => components.includes(name))
    .map((driver) => {
      const tell = tellOn(write, driver.name);
      const own = resume[driver.name] ?? null;
      return driver.start({ ...opened, control, life, random, tell, resume: own });
    }),
);
for (const begin of started) begin?.();
write(`${JSON.stringify(READY)}\n`);

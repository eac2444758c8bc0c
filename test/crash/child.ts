/** The process that is killed: opens the directory, starts every component, and works until it dies. */

import { text } from "node:stream/consumers";
import { createRealEnvironment } from "../../src/host/real-environment.ts";
import { holdProcess } from "../../src/host/real-clock.ts";
import { createSeededRandom } from "../../src/model/ids.ts";
import { openCrashBroker } from "./broker.ts";
import { DRIVERS } from "./drivers/index.ts";
import { type Assignment, READY, tellOn } from "./report.ts";
import { stderrLog } from "./stderr-log.ts";

const assignment: Assignment = JSON.parse(await text(process.stdin));
const { directory, control, seed, life, resume } = assignment;
const write = (line: string): void => void process.stdout.write(line);

holdProcess();
tellOn(write, "child")("opening");
const environment = createRealEnvironment(stderrLog);
const broker = await openCrashBroker(directory, environment);

const random = createSeededRandom(seed + life);
for (const driver of DRIVERS) {
  const tell = tellOn(write, driver.name);
  const own = resume[driver.name] ?? null;
  const context = { broker, directory, environment, control, life, random, tell, resume: own };
  await driver.start(context);
}
write(`${JSON.stringify(READY)}\n`);

/**
 * Runs the conformance suites on one of our own brokers, and the laws on it with the store that belongs
 * to it: `npm run conformance -- embedded [--only TEXT]`.
 *
 * Prints what passed, what was skipped and why, and what was compared. Fails when a case failed, and
 * when none ran.
 */

import { parseArgs } from "node:util";
import { runBrokerConformance } from "../src/conformance/broker-conformance.ts";
import { runLawConformance } from "../src/conformance/law-conformance.ts";
import { openEmbeddedPlace, openMemoryPlace } from "../test/conformance/places.ts";
import { PlainRunner } from "../test/conformance/plain-runner.ts";
import { openDurableStack, openMemoryStack } from "../test/conformance/stacks.ts";

const SUBJECTS: Readonly<Record<string, (runner: PlainRunner) => Promise<void>>> = {
  memory: async ({ test }) => {
    await runBrokerConformance({ test, name: "memory", open: openMemoryPlace });
    await runLawConformance({ test, name: "memory", open: openMemoryStack });
  },
  embedded: async ({ test }) => {
    await runBrokerConformance({ test, name: "embedded", open: openEmbeddedPlace });
    await runLawConformance({ test, name: "embedded+sqlite", open: openDurableStack });
  },
};

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { only: { type: "string", default: "" } },
});
const [name = ""] = positionals;
const register = SUBJECTS[name];

if (register === undefined) {
  console.error(`usage: npm run conformance -- ${Object.keys(SUBJECTS).join("|")} [--only TEXT]`);
  process.exitCode = 2;
} else {
  const print = (line: string): void => console.log(line);
  const runner = new PlainRunner({ print, only: values.only, timeLimitMs: 20_000 });
  await register(runner);
  const { passed, failed, skipped } = await runner.run();
  print(`${name}: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

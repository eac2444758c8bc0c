/** The thirteen laws on our own stacks, as part of `npm test`. */

import { test } from "node:test";
import type { TestFunction } from "../src/conformance/case.ts";
import { runLawConformance } from "../src/conformance/law-conformance.ts";
import { openDurableStack, openMemoryStack } from "./conformance/stacks.ts";

const TIME_LIMIT_MS = 20_000;

const register: TestFunction = (title, run, { skip }) =>
  test(title, { timeout: TIME_LIMIT_MS, ...(skip === undefined ? {} : { skip }) }, () =>
    run(() => {}),
  );

await runLawConformance({ test: register, name: "memory", open: openMemoryStack });
await runLawConformance({ test: register, name: "embedded+sqlite", open: openDurableStack });

/**
 * The conformance suites on our own brokers, as part of `npm test`. The counts of what was compared
 * are printed by `npm run conformance -- NAME`.
 */

import { test } from "node:test";
import { runBrokerConformance } from "../src/conformance/broker-conformance.ts";
import type { TestFunction } from "../src/conformance/case.ts";
import { openEmbeddedPlace, openMemoryPlace } from "./conformance/places.ts";

const TIME_LIMIT_MS = 20_000;

const register: TestFunction = (title, run, { skip }) =>
  test(title, { timeout: TIME_LIMIT_MS, ...(skip === undefined ? {} : { skip }) }, () =>
    run(() => {}),
  );

await runBrokerConformance({ test: register, name: "memory", open: openMemoryPlace });
await runBrokerConformance({ test: register, name: "embedded", open: openEmbeddedPlace });

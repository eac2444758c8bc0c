/** Our own stacks, a broker and a store each, set up for the laws. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { LawPlace, LawTime } from "../../src/conformance/law-case.ts";
import { embedded } from "../../src/embedded/embedded.ts";
import { memoryBroker } from "../../src/memory/broker.ts";
import { memoryStore } from "../../src/memory/store.ts";
import { delay } from "../../src/model/clock.ts";
import { sqlite } from "../../src/stores/sqlite/sqlite.ts";
import { createTestEnvironment, type TestEnvironment } from "../../src/testing/environment.ts";

/** Time moves by so little a turn of the event loop that work on the disk is quick beside it. */
const STEP_MS = 0.5;
/** The turns in which a long time passes. */
const PASS_TURNS = 200;

/** Both in memory: the data lives with the factories. */
export function openMemoryStack(): Promise<LawPlace> {
  const environment = createTestEnvironment();
  const { clock } = environment;
  return Promise.resolve({
    broker: memoryBroker(),
    store: memoryStore(),
    environment,
    time: {
      now: () => clock.now(),
      pass: (ms) => clock.advance(ms),
      until: (work) => clock.run(work),
    },
    faults: { restart: () => Promise.resolve() },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

/** The embedded broker and SQLite in a directory of their own: real files, virtual time. */
export async function openDurableStack(): Promise<LawPlace> {
  const root = await mkdtemp(join(tmpdir(), "millrace-laws-"));
  const environment = createTestEnvironment();
  let freeBytesMin = 0;
  return {
    broker: {
      adapter: "embedded",
      open: (given) => embedded({ directory: join(root, "broker"), freeBytesMin }).open(given),
    },
    store: sqlite({ directory: join(root, "stores") }),
    environment,
    time: timeOnDisk(environment),
    faults: {
      restart: () => Promise.resolve(),
      fullDisk: (full) => {
        freeBytesMin = full ? 2 ** 50 : 0;
        return Promise.resolve();
      },
    },
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true }),
  };
}

function timeOnDisk({ clock }: TestEnvironment): LawTime {
  return {
    now: () => clock.now(),
    pass: (ms) => {
      const stepMs = Math.max(STEP_MS, ms / PASS_TURNS);
      return clock.run(delay(clock, ms), { maxMs: 2 * ms, io: { stepMs, turn: () => turn() } });
    },
    until: (work) => clock.run(work, { io: { stepMs: STEP_MS, turn: () => turn() } }),
  };
}

/** Our own stacks, a broker and a store each, set up for the laws. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LawPlace, LawTime } from "../../src/conformance/law-case.ts";
import { embedded } from "../../src/embedded/embedded.ts";
import { memoryBroker } from "../../src/memory/broker.ts";
import { memoryStore } from "../../src/memory/store.ts";
import { delay } from "../../src/model/clock.ts";
import { sqlite } from "../../src/stores/sqlite/sqlite.ts";
import { createTestEnvironment, type TestEnvironment } from "../../src/testing/environment.ts";
import { realIo } from "../../src/testing/real-io.ts";

const STEP_MS = 2;

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

/** Virtual time beside a real disk. */
function timeOnDisk({ clock }: TestEnvironment): LawTime {
  const until = <Result>(work: Promise<Result>): Promise<Result> =>
    clock.run(work, { io: { ...realIo, stepMs: STEP_MS } });
  return {
    now: () => clock.now(),
    pass: (ms) => until(delay(clock, ms)),
    until,
  };
}

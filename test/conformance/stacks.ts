/** Our own stacks, a broker and a store each, set up for the laws. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn, setTimeout } from "node:timers/promises";
import type { LawPlace, LawTime } from "../../src/conformance/law-case.ts";
import { embedded } from "../../src/embedded/embedded.ts";
import { memoryBroker } from "../../src/memory/broker.ts";
import { memoryStore } from "../../src/memory/store.ts";
import { delay } from "../../src/model/clock.ts";
import { sqlite } from "../../src/stores/sqlite/sqlite.ts";
import { createTestEnvironment, type TestEnvironment } from "../../src/testing/environment.ts";

const HOUR_MS = 3_600_000;
const STEP_MS = 2;
/** In which a long time passes. */
const PASS_STEPS = 200;

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

/**
 * Virtual time beside a real disk. While the disk or the store's thread is at work time stands still,
 * so nothing falls due because the machine is slow; while they rest it moves as in memory.
 */
function timeOnDisk({ clock }: TestEnvironment): LawTime {
  const until = async <Result>(work: Promise<Result>, stepMs = STEP_MS): Promise<Result> => {
    const progress = { done: false };
    const finish = (): void => void (progress.done = true);
    work.then(finish, finish);
    const limitMs = clock.monotonic() + HOUR_MS;
    for (;;) {
      await turn();
      if (progress.done) return work;
      if (atWork()) await setTimeout(1);
      else if (clock.monotonic() < limitMs) await clock.advance(stepMs);
      else throw new Error("still waiting after an hour of virtual time");
    }
  };
  return {
    now: () => clock.now(),
    pass: (ms) => until(delay(clock, ms), Math.max(STEP_MS, ms / PASS_STEPS)),
    until,
  };
}

/** Whether an answer of the disk, or of a thread, is awaited in this process. */
function atWork(): boolean {
  return process.getActiveResourcesInfo().some((name) => /^(FSReq|MessagePort|Worker)/.test(name));
}

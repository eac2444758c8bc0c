/** Our own brokers, set up for the conformance suites. */

import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Broker, BrokerFactory } from "../../src/broker/broker.ts";
import type { BrokerPlace, Fault, TestTime } from "../../src/conformance/broker-case.ts";
import { embedded } from "../../src/embedded/embedded.ts";
import { memoryBroker } from "../../src/memory/broker.ts";
import { createTestEnvironment, type TestEnvironment } from "../../src/testing/environment.ts";

const IO_PAUSE_MS = 2;

/** The memory broker on a virtual clock. Its data lives with the factory, so it can be restarted. */
export function openMemoryPlace(): Promise<BrokerPlace> {
  return openPlace(memoryBroker(), ["restart"]);
}

/** The embedded broker in a directory of its own, on a virtual clock and the real disk. */
export async function openEmbeddedPlace(): Promise<BrokerPlace> {
  const root = await mkdtemp(join(tmpdir(), "millrace-conformance-"));
  let lives = 0;
  let directory = join(root, "0");
  const environment = createTestEnvironment();
  const open = (): Promise<Broker> =>
    embedded({ directory, segmentBytesMax: 65_536, retentionCheckMs: 1_000 }).open(environment);
  let broker = await open();
  return {
    get broker() {
      return broker;
    },
    time: {
      ...timeOf(environment),
      // Timers fire at once, but what they cause waits for the real disk: a pause lets it arrive.
      pass: async (ms) => {
        await environment.clock.advance(ms);
        await setTimeout(IO_PAUSE_MS);
      },
    },
    faults: {
      restart: async () => {
        await broker.close();
        broker = await open();
      },
      // A killed process leaves its files as they are: they are copied while it still has them.
      kill: async () => {
        const killed = broker;
        const left = directory;
        directory = join(root, String(++lives));
        await cp(left, directory, { recursive: true });
        await killed.close();
        broker = await open();
      },
    },
    [Symbol.asyncDispose]: async () => {
      await broker.close();
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** A broker of the factory on a virtual clock; `faults` are those that opening it again amounts to. */
export async function openPlace(
  factory: BrokerFactory,
  faults: readonly Fault[],
): Promise<BrokerPlace> {
  const environment = createTestEnvironment();
  let broker: Broker = await factory.open(environment);
  const restart = async (): Promise<void> => {
    await broker.close();
    broker = await factory.open(environment);
  };
  return {
    get broker() {
      return broker;
    },
    time: timeOf(environment),
    faults: Object.fromEntries(faults.map((fault) => [fault, restart])),
    [Symbol.asyncDispose]: () => broker.close(),
  };
}

function timeOf({ clock }: TestEnvironment): TestTime {
  return { now: () => clock.now(), pass: (ms) => clock.advance(ms) };
}

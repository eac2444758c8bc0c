/** Our own brokers, set up for the conformance suites. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Broker, BrokerFactory } from "../../src/broker/broker.ts";
import type { BrokerPlace, Fault } from "../../src/conformance/broker-case.ts";
import { memoryBroker } from "../../src/memory/broker.ts";
import { createTestEnvironment } from "../../src/testing/environment.ts";

/** The memory broker on a virtual clock. Its data lives with the factory, so it can be restarted. */
export function openMemoryPlace(): Promise<BrokerPlace> {
  return openPlace(memoryBroker(), ["restart"]);
}

/** A broker of the factory on a virtual clock; `faults` are those that opening it again amounts to. */
export async function openPlace(
  factory: BrokerFactory,
  faults: readonly Fault[],
  cleanUp: () => Promise<void> = async () => {},
): Promise<BrokerPlace> {
  const environment = createTestEnvironment();
  const { clock } = environment;
  let broker: Broker = await factory.open(environment);
  const restart = async (): Promise<void> => {
    await broker.close();
    broker = await factory.open(environment);
  };
  return {
    get broker() {
      return broker;
    },
    time: { now: () => clock.now(), pass: (ms) => clock.advance(ms) },
    faults: Object.fromEntries(faults.map((fault) => [fault, restart])),
    [Symbol.asyncDispose]: async () => {
      await broker.close();
      await cleanUp();
    },
  };
}

export async function temporaryDirectory(): Promise<{
  readonly path: string;
  readonly remove: () => Promise<void>;
}> {
  const path = await mkdtemp(join(tmpdir(), "millrace-"));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

/** The broker port in memory, on a given clock: for tests, simulation and throw-away programs. */

import type { Broker, BrokerFactory } from "../broker/broker.ts";
import { type BrokerCapabilities, type CapabilityLevel, NATIVE } from "../broker/capabilities.ts";
import { LocalQueues } from "../broker/in-process/queue/local-queues.ts";
import { LocalStreams } from "../broker/in-process/stream/local-streams.ts";
import { QueueEngine } from "../broker/in-process/queue/queue-engine.ts";
import { StreamEngine } from "../broker/in-process/stream/stream-engine.ts";
import type { Environment } from "../model/environment.ts";
import { createMemoryQueueStorage } from "./queues.ts";
import { createMemoryStreamStorage } from "./streams.ts";

const NOT_DURABLE: CapabilityLevel = {
  level: "absent",
  reason: "the memory broker keeps nothing beyond its process",
};

const CAPABILITIES: BrokerCapabilities = {
  adapter: "memory",
  levels: {
    streams: NATIVE,
    queues: NATIVE,
    durableAppend: NOT_DURABLE,
    durableSend: NOT_DURABLE,
    replay: NATIVE,
    timeLookup: NATIVE,
    keyOrder: NATIVE,
    delay: NATIVE,
    attemptCount: NATIVE,
    leaseExtension: NATIVE,
    deadLetters: NATIVE,
    dedupeById: NATIVE,
    retentionByAge: NATIVE,
    retentionBySize: NATIVE,
    retentionByCount: NATIVE,
    compaction: NATIVE,
  },
};

const RETENTION_CHECK_MS = 1_000;

interface Engines {
  readonly streams: StreamEngine;
  readonly queues: QueueEngine;
}

/**
 * A broker that lives as long as the value returned here.
 *
 * Every `open` of one factory gives a client of the same broker, also after an earlier one was
 * closed: so several services share it, and a test can stop and start a service and find everything
 * kept. Time, ids and randomness are those of the first `open`. Leases of a closed client end by
 * time.
 */
export function memoryBroker(): BrokerFactory {
  let engines: Promise<Engines> | undefined;
  return {
    adapter: CAPABILITIES.adapter,
    async open(environment: Environment): Promise<Broker> {
      engines ??= createEngines(environment);
      const { streams: streamEngine, queues: queueEngine } = await engines;
      const streams = new LocalStreams(streamEngine, CAPABILITIES);
      const queues = new LocalQueues(queueEngine, CAPABILITIES);
      const close = async (): Promise<void> => {
        await Promise.all([streams.close(), queues.close()]);
      };
      return { streams, queues, close, [Symbol.asyncDispose]: close };
    },
  };
}

async function createEngines(environment: Environment): Promise<Engines> {
  const { clock } = environment;
  const defer = queueMicrotask;
  return {
    streams: new StreamEngine({
      storage: createMemoryStreamStorage(environment),
      environment,
      defer,
      retentionCheckMs: RETENTION_CHECK_MS,
    }),
    queues: await QueueEngine.open({
      storage: createMemoryQueueStorage(),
      clock,
      report: environment.log,
      defer,
    }),
  };
}

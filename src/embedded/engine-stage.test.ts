/** The engine that the doors stand on, on a disk in memory with virtual time. */

import { QueueEngine } from "../broker/in-process/queue/queue-engine.ts";
import { LocalStreams } from "../broker/in-process/stream/local-streams.ts";
import { StreamEngine } from "../broker/in-process/stream/stream-engine.ts";
import { LocalQueues } from "../broker/in-process/queue/local-queues.ts";
import type { Queues } from "../broker/queues.ts";
import type { Streams } from "../broker/streams.ts";
import { createTestEnvironment, type TestEnvironment } from "../testing/environment.ts";
import { openBrokerDirectory } from "./broker-directory.ts";
import { CAPABILITIES } from "./embedded.ts";
import type { Engine } from "./engine.ts";
import { createMemoryDisk, type Disk } from "./log/open-log.ts";
import type { JournalSettings } from "./log/journal/commit-journal.ts";
import { JOURNAL_LIMITS, type JournalLimits } from "./queue/journal-limits.ts";
import { openDiskQueues } from "./queue/disk-queues.ts";
import { openDiskStreams } from "./stream/disk-streams.ts";

const SEGMENT_BYTES = 64 * 1024;

export interface TestEngine extends AsyncDisposable {
  readonly environment: TestEnvironment;
  readonly engine: Engine;
  /** What a service in this process has of it. */
  readonly streams: Streams;
  readonly queues: Queues;
}

export interface TestEngineOptions {
  readonly environment?: TestEnvironment;
  readonly directory?: string;
  readonly segmentBytesMax?: number;
  readonly limits?: JournalLimits;
  /** The commit journal's; as a broker's own unless said. */
  readonly journal?: JournalSettings;
}

/** Closed by disposal; opened again on the same disk it finds what was there. */
export async function openTestEngine(
  disk: Disk = createMemoryDisk(),
  {
    environment = createTestEnvironment(),
    directory = "/data",
    segmentBytesMax = SEGMENT_BYTES,
    limits = JOURNAL_LIMITS,
    journal,
  }: TestEngineOptions = {},
): Promise<TestEngine> {
  const { clock, ids } = environment;
  const defer = (callback: () => void): void => process.nextTick(callback);
  const data = await openBrokerDirectory(environment, {
    directory,
    freeBytesMin: 0,
    disk,
    lock: () => ({ release: () => {} }),
    ...(journal !== undefined && { journal }),
  });
  const streamStorage = await openDiskStreams(data, { ids, segmentBytesMax });
  const queueStorage = await openDiskQueues(data, {
    environment,
    segmentBytesMax,
    limits,
  });
  const options = { storage: streamStorage, environment, defer, retentionCheckMs: 10_000 };
  const engine: Engine = {
    environment,
    cluster: data.cluster,
    directory: data.path,
    freeBytes: () => data.logs.disk.freeBytes(data.path),
    streams: new StreamEngine(options),
    streamStorage,
    queues: await QueueEngine.open({
      storage: queueStorage,
      clock,
      report: environment.log,
      defer,
    }),
    state: data.state,
  };
  const streams = new LocalStreams(engine.streams, CAPABILITIES);
  const queues = new LocalQueues(engine.queues, CAPABILITIES);
  return {
    environment,
    engine,
    streams,
    queues,
    async [Symbol.asyncDispose]() {
      await Promise.all([streams.close(), queues.close()]);
      await Promise.all([engine.streams.close(), engine.queues.close()]);
      await streamStorage.close();
      await data.close();
    },
  };
}

/** The embedded broker: streams and queues in a data directory of this machine, in this process. */

import type { Broker, BrokerFactory } from "../broker/broker.ts";
import { type BrokerCapabilities, NATIVE } from "../broker/capabilities.ts";
import { LocalQueues } from "../broker/in-process/queue/local-queues.ts";
import { LocalStreams } from "../broker/in-process/stream/local-streams.ts";
import { QueueEngine } from "../broker/in-process/queue/queue-engine.ts";
import { StreamEngine } from "../broker/in-process/stream/stream-engine.ts";
import type { Environment } from "../model/environment.ts";
import { type Door, DOORS, type DoorsAccess, openDoors } from "./doors/open-doors.ts";
import { type BrokerDirectory, openBrokerDirectory } from "./broker-directory.ts";
import { BrokerTransactions } from "./broker-transactions.ts";
import type { Engine } from "./engine.ts";
import type { DataDirectoryOptions } from "./log/directory/data-directory.ts";
import { openingFailure } from "./log/directory/opening-failure.ts";
import { allEnded, createNodeDisk, throwAfter } from "./log/open-log.ts";
import { checkOptions, withDoors, type CheckedOptions, type EmbeddedOptions } from "./options.ts";
import { JOURNAL_LIMITS, type JournalLimits } from "./queue/journal-limits.ts";
import { openDiskQueues } from "./queue/disk-queues.ts";
import { openDiskStreams } from "./stream/disk-streams.ts";
import { createUpkeep } from "./upkeep.ts";

export type { EmbeddedOptions } from "./options.ts";

export const CAPABILITIES: BrokerCapabilities = {
  adapter: "embedded",
  levels: {
    streams: NATIVE,
    queues: NATIVE,
    durableAppend: NATIVE,
    durableSend: NATIVE,
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

/**
 * Streams and queues on this machine's disk. What is acknowledged is synced, unless a stream or
 * queue asks for less.
 *
 * Throws BAD_CONFIG at once for an unknown setting. `open` throws DIRECTORY_IN_USE while another
 * process, or another opening of this one, has the directory; DIRECTORY_VERSION where a newer
 * release has written it; LOG_DAMAGED where `millrace.json` is malformed, or missing beside contents;
 * DISK_FAILED or DISK_FULL, with the remedy, where the operating system refuses.
 */
export function embedded(options: EmbeddedOptions = {}): BrokerFactory {
  const checked = checkOptions(options);
  return {
    adapter: CAPABILITIES.adapter,
    directory: checked.directory,
    doors: DOORS,
    async open(environment, doors = {}) {
      return openEmbedded(environment, withDoors(checked, doors), { disk: createNodeDisk() });
    },
  };
}

/** What tests bring and users do not. */
type Access = Pick<DataDirectoryOptions, "disk" | "lock" | "journal"> & {
  readonly limits?: JournalLimits;
  readonly doors?: DoorsAccess;
};

/** Opens the broker on any disk: tests bring one that records, fills up or fails. */
export async function openEmbedded(
  environment: Environment,
  options: CheckedOptions,
  { disk, lock, journal, limits = JOURNAL_LIMITS, doors = {} }: Access,
): Promise<Broker> {
  const { directory, freeBytesMin } = options;
  try {
    const data = await openBrokerDirectory(environment, {
      directory,
      freeBytesMin,
      disk,
      ...(lock !== undefined && { lock }),
      ...(journal !== undefined && { journal }),
    });
    try {
      return await openBroker(environment, { ...options, limits, access: doors }, data);
    } catch (error) {
      return await throwAfter(error, data.close());
    }
  } catch (error) {
    throw openingFailure(directory, error);
  }
}

async function openBroker(
  environment: Environment,
  options: CheckedOptions & { readonly limits: JournalLimits; readonly access: DoorsAccess },
  data: BrokerDirectory,
): Promise<Broker> {
  const { segmentBytesMax, retentionCheckMs, limits } = options;
  const { clock, ids } = environment;
  // A tick ends when all promise work is done, so everything asked in it shares one append.
  const defer = (callback: () => void): void => process.nextTick(callback);
  const streamStorage = await openDiskStreams(data, { ids, segmentBytesMax });
  const queueStorage = await openDiskQueues(data, { environment, segmentBytesMax, limits });
  const streamEngine = new StreamEngine({
    storage: streamStorage,
    environment,
    defer,
    retentionCheckMs,
  });
  const queueEngine = await QueueEngine.open({
    storage: queueStorage,
    clock,
    report: environment.log,
    defer,
  });
  const engine: Engine = {
    environment,
    cluster: data.cluster,
    directory: data.path,
    freeBytes: () => data.logs.disk.freeBytes(data.path),
    streams: streamEngine,
    streamStorage,
    queues: queueEngine,
    state: data.state,
  };
  const transactions = new BrokerTransactions(engine);
  const stop = async (): Promise<void> => {
    // The directory is given to others when nothing writes there any more, whatever failed on the way.
    try {
      await transactions.close();
      await allEnded([streamEngine.close().then(() => streamStorage.close()), queueEngine.close()]);
    } finally {
      await data.close();
    }
  };
  let doors: readonly Door[];
  try {
    await transactions.recover();
    doors = await openDoors(engine, transactions, options, options.access);
  } catch (error) {
    // What kept it from opening is told, and not what came of that.
    return await throwAfter(error, stop());
  }
  const streams = new LocalStreams(streamEngine, CAPABILITIES);
  const queues = new LocalQueues(queueEngine, CAPABILITIES);

  const finish = async (): Promise<void> => {
    await Promise.all(doors.map((door) => door.close()));
    await Promise.all([streams.close(), queues.close()]);
    await stop();
  };
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= finish());
  const addresses = doors.map(({ protocol, host, port }) => ({ protocol, host, port }));
  const upkeep = createUpkeep(data);
  return { streams, queues, addresses, upkeep, close, [Symbol.asyncDispose]: close };
}

/**
 * Queues on disk: specs in the broker's state log, each queue's journal in a log of its own under
 * `queues/<name>/<incarnation>`. Removal works as for streams.
 */

import { join } from "node:path";
import type { Environment } from "../../model/environment.ts";
import type { QueueSpec } from "../../broker/queues.ts";
import type { QueueStorage, StoredQueue } from "../../broker/in-process/queue/queue-storage.ts";
import type { BrokerDirectory } from "../broker-directory.ts";
import { openingFailure } from "../log/directory/opening-failure.ts";
import { openPartitionLog, throwAfter } from "../log/open-log.ts";
import { forgetMade, madeChanges, madeLogs } from "../made-logs.ts";
import { sharedPlace } from "../shared-place.ts";
import type { JournalLimits } from "./journal-limits.ts";
import { LogJournal } from "./log-journal.ts";

interface QueueFacts {
  readonly spec: QueueSpec;
  readonly incarnation: string;
}

const queueKey = (name: string): string => `queue/${name}`;

export async function openDiskQueues(
  data: BrokerDirectory,
  {
    environment: { clock, ids, log: report },
    segmentBytesMax,
    limits,
  }: {
    readonly environment: Environment;
    readonly segmentBytesMax: number;
    readonly limits: JournalLimits;
  },
): Promise<QueueStorage> {
  const { state } = data;
  const incarnations = new Map<string, string>();

  const directoryOf = (name: string, incarnation: string): string =>
    join("queues", name, incarnation);
  const checkpointKey = (incarnation: string): string => `checkpoint/${incarnation}`;

  const openQueue = async ({ spec, incarnation }: QueueFacts): Promise<StoredQueue> => {
    incarnations.set(spec.name, incarnation);
    const key = checkpointKey(incarnation);
    const log = await openPartitionLog(data.logs, {
      directory: join(data.path, directoryOf(spec.name, incarnation)),
      durability: spec.durability ?? { mode: "fsync" },
      retention: {},
      madeUpTo: madeLogs(state, incarnation)[0],
      segmentBytesMax,
    });
    await state
      .putAll(madeChanges(state, incarnation, [log]))
      .catch((error: unknown) => throwAfter(error, log.close()));
    const journal = new LogJournal({
      spec,
      log,
      generation: data.generation,
      clock,
      report,
      limits,
      checkpoint: {
        get: () => {
          const offset = state.get(key);
          return offset === undefined ? undefined : Number(offset);
        },
        set: (offset) => state.put(key, String(offset)),
      },
    });
    return { spec, journal };
  };

  /** Of a queue whose journal is closed. */
  const forget = async (name: string, incarnation: string): Promise<void> => {
    void state.put(queueKey(name), undefined);
    void state.put(checkpointKey(incarnation), undefined);
    void state.put(...forgetMade(incarnation));
    await data.removeLogs(directoryOf(name, incarnation), 0);
    incarnations.delete(name);
  };

  const placeMade = sharedPlace(data.logs.disk, join(data.path, "queues"));

  const found: StoredQueue[] = [];
  for (const [, value] of state.entries("queue/")) {
    const facts: QueueFacts = JSON.parse(value);
    found.push(await openQueue(facts));
  }

  return {
    found,
    async createQueue(spec) {
      const left = state.get(queueKey(spec.name));
      if (left !== undefined) {
        const { incarnation }: QueueFacts = JSON.parse(left);
        await forget(spec.name, incarnation);
      }
      const facts = { spec, incarnation: ids.newId() };
      await state.put(queueKey(spec.name), JSON.stringify(facts));
      try {
        await placeMade();
        return await openQueue(facts);
      } catch (error) {
        throw openingFailure(join(data.path, directoryOf(spec.name, facts.incarnation)), error);
      }
    },
    async saveSpec(spec) {
      const incarnation = incarnations.get(spec.name)!;
      await state.put(queueKey(spec.name), JSON.stringify({ spec, incarnation }));
    },
    removeQueue: (name) => forget(name, incarnations.get(name)!),
  };
}

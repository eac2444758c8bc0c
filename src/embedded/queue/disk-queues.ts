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
import { openPartitionLog } from "../log/open-log.ts";
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

  const directoryOf = (name: string): string => join("queues", name, incarnations.get(name)!);
  const checkpointKey = (name: string): string => `checkpoint/${incarnations.get(name)!}`;

  const openQueue = async ({ spec, incarnation }: QueueFacts): Promise<StoredQueue> => {
    incarnations.set(spec.name, incarnation);
    const key = checkpointKey(spec.name);
    const log = await openPartitionLog(data.logs, {
      directory: join(data.path, directoryOf(spec.name)),
      durability: spec.durability ?? { mode: "fsync" },
      retention: {},
      segmentBytesMax,
    });
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

  const found: StoredQueue[] = [];
  for (const [, value] of state.entries("queue/")) {
    const facts: QueueFacts = JSON.parse(value);
    found.push(await openQueue(facts));
  }

  return {
    found,
    async createQueue(spec) {
      const facts = { spec, incarnation: ids.newId() };
      await state.put(queueKey(spec.name), JSON.stringify(facts));
      return openQueue(facts).catch((error: unknown) => {
        throw openingFailure(join(data.path, directoryOf(spec.name)), error);
      });
    },
    async saveSpec(spec) {
      const incarnation = incarnations.get(spec.name)!;
      await state.put(queueKey(spec.name), JSON.stringify({ spec, incarnation }));
    },
    async removeQueue(name) {
      void state.put(queueKey(name), undefined);
      void state.put(checkpointKey(name), undefined);
      await data.removeLogs(directoryOf(name), 0);
      incarnations.delete(name);
    },
  };
}

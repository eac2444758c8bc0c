/** The topic of one component: made by whoever comes first, and looked at as a whole. */

import type { Client } from "../../hostile/client.ts";
import { ERROR } from "../../../src/embedded/kafka/error-codes.ts";
import { type AbortedFrom, decodeRun } from "./batches.ts";
import type { PartitionLook, PlacedRecord } from "./history.ts";

export const PARTITIONS = 3;
/** The last versions that name a topic by its name. */
export const FETCH_BY_NAME = 12;
export const READ_COMMITTED = 1;
const READ_UNCOMMITTED = 0;
const LATEST = -1;
const FETCH_BYTES = 1024 * 1024;

export async function ensureTopic(client: Client, name: string): Promise<void> {
  const { topics } = await client.ask("CreateTopics", {
    topics: [{ name, numPartitions: PARTITIONS, replicationFactor: 1 }],
    timeoutMs: 10_000,
  });
  const { errorCode = ERROR.UNKNOWN_SERVER_ERROR, errorMessage } = topics[0] ?? {};
  if (errorCode !== ERROR.NONE && errorCode !== ERROR.TOPIC_ALREADY_EXISTS) {
    throw new Error(`topic ${name} was refused with ${errorCode}: ${errorMessage}`);
  }
}

export interface Fetched {
  readonly records: readonly PlacedRecord[];
  readonly next: number;
}

/** Whether a reader of committed records sees every partition to its end. */
export async function isDecided(client: Client, name: string): Promise<boolean> {
  const ends = async (isolationLevel: number): Promise<readonly number[]> => {
    const partitions = Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp: LATEST,
    }));
    const body = { replicaId: -1, isolationLevel, topics: [{ name, partitions }] };
    const { topics } = await client.ask("ListOffsets", body);
    return topics[0]!.partitions.map(({ offset }) => offset);
  };
  const [stable, all] = [await ends(READ_COMMITTED), await ends(READ_UNCOMMITTED)];
  return stable.every((offset, partition) => offset === all[partition]);
}

/** One fetch of one partition; as a reader of committed records unless said. */
export async function fetchFrom(
  client: Client,
  { topic, partition, offset }: { topic: string; partition: number; offset: number },
  {
    committed = true,
    maxWaitMs = 0,
    bytesMax = FETCH_BYTES,
  }: { committed?: boolean; maxWaitMs?: number; bytesMax?: number } = {},
): Promise<Fetched> {
  const asked = { partition, fetchOffset: offset, partitionMaxBytes: bytesMax };
  const { responses } = await client.ask(
    "Fetch",
    {
      maxWaitMs,
      minBytes: 1,
      maxBytes: bytesMax,
      isolationLevel: committed ? READ_COMMITTED : READ_UNCOMMITTED,
      topics: [{ topic, partitions: [asked] }],
    },
    FETCH_BY_NAME,
  );
  const answer = responses[0]!.partitions[0]!;
  if (answer.errorCode !== ERROR.NONE) {
    throw new Error(`the fetch of ${topic}[${partition}] was refused with ${answer.errorCode}`);
  }
  const aborted: readonly AbortedFrom[] | null = committed ? answer.abortedTransactions : null;
  return decodeRun(answer.records ?? Buffer.alloc(0), offset, aborted);
}

/** The partition from there up to its stable end, and all behind that, which nobody may see yet. */
export async function lookAt(
  client: Client,
  topic: string,
  { partition, from }: { readonly partition: number; readonly from: number },
): Promise<PartitionLook> {
  const read = async (committed: boolean): Promise<Fetched> => {
    const records: PlacedRecord[] = [];
    for (let offset = from; ;) {
      const run = await fetchFrom(client, { topic, partition, offset }, { committed });
      records.push(...run.records);
      if (run.next === offset) return { records, next: offset };
      offset = run.next;
    }
  };
  const committed = await read(true);
  const all = await read(false);
  return {
    partition,
    from,
    to: committed.next,
    end: all.next,
    all: all.records,
    committed: committed.records,
  };
}

/** ListOffsets: the earliest, the latest, or the first record at or after a moment. */

import { isMillraceError } from "../../../model/errors.ts";
import type { BatchLog } from "../../log/batch-log.ts";
import type { Draft } from "../codec/draft.ts";
import type {
  ListOffsetsPartition,
  ListOffsetsRequest,
  ListOffsetsResponse,
} from "../codec/generated/list-offsets.ts";
import { ERROR } from "../error-codes.ts";
import { LEADER_EPOCH, READ_COMMITTED, type KafkaBroker } from "../kafka-broker.ts";
import type { Handler } from "./handler.ts";

type PartitionAnswer = Draft<ListOffsetsResponse["topics"][number]["partitions"][number]>;

/** What clients ask for by a time that cannot be one. */
const ASKED = {
  latest: -1,
  earliest: -2,
  /** The record with the newest time. */
  newest: -3,
  /** The earliest on the broker's own disk: here all is. */
  earliestLocal: -4,
  /** The end of what has been moved to other storage: nothing is, here. */
  latestTiered: -5,
  /** The beginning of what will be moved next. */
  earliestUntiered: -6,
} as const;

export function createListOffsets({ topics }: KafkaBroker): Handler<"ListOffsets"> {
  return async (request, call) => {
    const answers = request.topics.map(async ({ name, partitions }) => {
      const topic = topics.find(name);
      const seen = call.may("read", "stream", name);
      const found = partitions.map(async (asked): Promise<PartitionAnswer> => {
        const { partitionIndex } = asked;
        if (!seen) return { partitionIndex, errorCode: ERROR.TOPIC_AUTHORIZATION_FAILED };
        const log = topic?.partitions[partitionIndex];
        if (log === undefined) {
          return { partitionIndex, errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION };
        }
        return { partitionIndex, ...(await look(log, asked, request)) };
      });
      return { name, partitions: await Promise.all(found) };
    });
    return { topics: await Promise.all(answers) };
  };
}

async function look(
  log: BatchLog,
  { timestamp, currentLeaderEpoch }: ListOffsetsPartition,
  { isolationLevel }: ListOffsetsRequest,
): Promise<Omit<PartitionAnswer, "partitionIndex">> {
  if (currentLeaderEpoch > LEADER_EPOCH) return { errorCode: ERROR.UNKNOWN_LEADER_EPOCH };
  const at = (offset: number): Omit<PartitionAnswer, "partitionIndex"> => ({
    offset,
    leaderEpoch: LEADER_EPOCH,
  });
  const end = isolationLevel === READ_COMMITTED ? log.stableEnd : log.end;
  if (timestamp === ASKED.latest) return at(end);
  if (timestamp === ASKED.earliest || timestamp === ASKED.earliestLocal) return at(log.earliest);
  if (timestamp === ASKED.latestTiered || timestamp === ASKED.earliestUntiered) {
    return { offset: -1, timestamp: -1 };
  }
  if (timestamp < ASKED.earliestUntiered) return { errorCode: ERROR.UNSUPPORTED_VERSION };
  try {
    const found =
      timestamp === ASKED.newest ? await log.newestRecord() : await log.recordAt(timestamp);
    if (found === undefined || found.offset >= end) return { offset: -1, timestamp: -1 };
    return { ...at(found.offset), timestamp: found.timeMs };
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return { errorCode: ERROR.KAFKA_STORAGE_ERROR };
  }
}

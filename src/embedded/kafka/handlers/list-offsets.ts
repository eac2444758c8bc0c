/**
 * ListOffsets: the earliest, the latest, or the first record at or after a moment.
 *
 * A look by time reads the log, so a request takes one after the other, each when there is memory for it,
 * and a partition that it names again is refused there.
 */

import { isMillraceError } from "../../../model/errors.ts";
import type { BatchLog, LogEnd } from "../../log/batch-log.ts";
import { BATCH_BYTES_MAX } from "../../log/format/batch-layout.ts";
import type { Draft } from "../codec/draft.ts";
import type { ListOffsetsPartition, ListOffsetsResponse } from "../codec/generated/list-offsets.ts";
import { ERROR } from "../error-codes.ts";
import { LEADER_EPOCH, READ_COMMITTED, type KafkaBroker } from "../kafka-broker.ts";
import { AskedOnce } from "./asked-once.ts";
import type { Call, Handler } from "./handler.ts";

type TopicAnswer = Draft<ListOffsetsResponse["topics"][number]>;
type PartitionAnswer = Draft<ListOffsetsResponse["topics"][number]["partitions"][number]>;
type Found = Omit<PartitionAnswer, "partitionIndex">;

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
    const { isolationLevel } = request;
    const once = new AskedOnce();
    const answers: TopicAnswer[] = [];
    for (const { name, partitions } of request.topics) {
      const topic = topics.find(name);
      const seen = call.may("read", "stream", name);
      const found: PartitionAnswer[] = [];
      for (const asked of partitions) {
        const { partitionIndex } = asked;
        const log = topic?.partitions[partitionIndex];
        let told: Found;
        if (!seen) told = { errorCode: ERROR.TOPIC_AUTHORIZATION_FAILED };
        else if (log === undefined) told = { errorCode: ERROR.UNKNOWN_TOPIC_OR_PARTITION };
        else if (!once.isFirst(name, partitionIndex)) told = { errorCode: ERROR.INVALID_REQUEST };
        else
          told =
            known(log, asked, isolationLevel) ?? (await look(log, asked, { isolationLevel, call }));
        found.push({ partitionIndex, ...told });
      }
      answers.push({ name, partitions: found });
    }
    return { topics: answers };
  };
}

/** What needs no look into the log; undefined where a look is needed. */
function known(
  log: BatchLog,
  { timestamp, currentLeaderEpoch }: ListOffsetsPartition,
  isolationLevel: number,
): Found | undefined {
  if (currentLeaderEpoch > LEADER_EPOCH) return { errorCode: ERROR.UNKNOWN_LEADER_EPOCH };
  if (timestamp === ASKED.latest) return at(log[endName(isolationLevel)]);
  if (timestamp === ASKED.earliest || timestamp === ASKED.earliestLocal) return at(log.earliest);
  if (timestamp === ASKED.latestTiered || timestamp === ASKED.earliestUntiered) return NOTHING;
  if (timestamp < ASKED.earliestUntiered) return { errorCode: ERROR.UNSUPPORTED_VERSION };
  return undefined;
}

async function look(
  log: BatchLog,
  { timestamp }: ListOffsetsPartition,
  { isolationLevel, call }: { readonly isolationLevel: number; readonly call: Call },
): Promise<Found> {
  // Who has gone is answered into nothing.
  if (!(await call.claimWhole(BATCH_BYTES_MAX))) return NOTHING;
  try {
    const end = log[endName(isolationLevel)];
    const found =
      timestamp === ASKED.newest ? await log.newestRecord() : await log.recordAt(timestamp);
    if (found === undefined || found.offset >= end) return NOTHING;
    return { ...at(found.offset), timestamp: found.timeMs };
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    return { errorCode: ERROR.KAFKA_STORAGE_ERROR };
  } finally {
    call.claim(0);
  }
}

const NOTHING: Found = { offset: -1, timestamp: -1 };

function at(offset: number): Found {
  return { offset, leaderEpoch: LEADER_EPOCH };
}

function endName(isolationLevel: number): LogEnd {
  return isolationLevel === READ_COMMITTED ? "stableEnd" : "end";
}

/** DeleteRecords: a partition begins later from now on. */

import type { Draft } from "../../codec/draft.ts";
import type {
  DeleteRecordsPartition,
  DeleteRecordsResponse,
} from "../../codec/generated/delete-records.ts";
import { ERROR } from "../../error-codes.ts";
import type { KafkaBroker } from "../../kafka-broker.ts";
import type { Topic } from "../../topics/topics.ts";
import { AskedOnce } from "../asked-once.ts";
import type { Handler } from "../handler.ts";
import { refusalFor } from "../refusal.ts";

type PartitionAnswer = Draft<DeleteRecordsResponse["topics"][number]["partitions"][number]>;

/** Everything that is there now. */
const HIGH_WATERMARK = -1;
const NOTHING_DELETED = -1;

export function createDeleteRecords(broker: KafkaBroker): Handler<"DeleteRecords"> {
  return async (request, call) => {
    const once = new AskedOnce();
    const answers = request.topics.map(async ({ name, partitions }) => {
      const topic = broker.topics.find(name);
      const may = call.may("delete", "stream", name);
      const trimmed = partitions.map(async (asked): Promise<PartitionAnswer> => {
        const { partitionIndex } = asked;
        const failed = (errorCode: number): PartitionAnswer => ({
          partitionIndex,
          lowWatermark: NOTHING_DELETED,
          errorCode,
        });
        if (!may) return failed(ERROR.TOPIC_AUTHORIZATION_FAILED);
        if (!once.isFirst(name, partitionIndex)) return failed(ERROR.INVALID_REQUEST);
        return { partitionIndex, ...(await trim(broker, topic, asked)) };
      });
      return { name, partitions: await Promise.all(trimmed) };
    });
    return { topics: await Promise.all(answers) };
  };
}

async function trim(
  { topics }: KafkaBroker,
  topic: Topic | undefined,
  { partitionIndex, offset }: DeleteRecordsPartition,
): Promise<Omit<PartitionAnswer, "partitionIndex">> {
  const failed = (errorCode: number): Omit<PartitionAnswer, "partitionIndex"> => ({
    lowWatermark: NOTHING_DELETED,
    errorCode,
  });
  const log = topic?.partitions[partitionIndex];
  if (topic === undefined || log === undefined) return failed(ERROR.UNKNOWN_TOPIC_OR_PARTITION);
  const before = offset === HIGH_WATERMARK ? log.end : offset;
  if (before < 0) return failed(ERROR.OFFSET_OUT_OF_RANGE);
  try {
    return { lowWatermark: await topics.deleteRecords(topic, partitionIndex, before) };
  } catch (error) {
    return failed(refusalFor(error).errorCode);
  }
}

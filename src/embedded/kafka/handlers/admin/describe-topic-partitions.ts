/**
 * DescribeTopicPartitions (KIP-966): topics by name, and of them a bounded number of partitions an answer.
 * Where there are more, the answer's cursor says where the next request goes on.
 */

import type { Draft } from "../../codec/draft.ts";
import type {
  Cursor,
  DescribeTopicPartitionsResponse,
} from "../../codec/generated/describe-topic-partitions.ts";
import { ERROR } from "../../error-codes.ts";
import type { KafkaBroker } from "../../kafka-broker.ts";
import { PARTITIONS_TOLD_MAX } from "../../topics/config-listing.ts";
import { NO_TOPIC_ID } from "../../topics/topic-id.ts";
import type { Handler } from "../handler.ts";
import { topicOperations } from "../operations.ts";
import { toldPartitions } from "../topic-answer.ts";

type TopicAnswer = Draft<DescribeTopicPartitionsResponse["topics"][number]>;

export function createDescribeTopicPartitions({
  topics,
}: KafkaBroker): Handler<"DescribeTopicPartitions"> {
  return ({ topics: asked, responsePartitionLimit, cursor }, call) => {
    const all = asked.length === 0;
    const names = all
      ? topics.all().map(({ name }) => name)
      : [...new Set(asked.map(({ name }) => name))].toSorted();
    const told: TopicAnswer[] = [];
    let left = Math.max(1, Math.min(responsePartitionLimit, PARTITIONS_TOLD_MAX));
    let nextCursor: Cursor | null = null;
    for (const name of names) {
      if (cursor !== null && name < cursor.topicName) continue;
      const seen = call.may("read", "stream", name);
      const topic = topics.find(name);
      if (!seen || topic === undefined) {
        const errorCode = seen
          ? ERROR.UNKNOWN_TOPIC_OR_PARTITION
          : ERROR.TOPIC_AUTHORIZATION_FAILED;
        if (!all) told.push({ errorCode, name, topicId: NO_TOPIC_ID });
        continue;
      }
      const first = cursor?.topicName === name ? cursor.partitionIndex : 0;
      if (left === 0) {
        nextCursor = { topicName: name, partitionIndex: first };
        break;
      }
      const partitions = toldPartitions(topic)
        .slice(first, first + left)
        // Kafka's Java clients fail on null, which the protocol would allow.
        .map((partition) => ({ ...partition, eligibleLeaderReplicas: [], lastKnownElr: [] }));
      left -= partitions.length;
      told.push({
        name,
        topicId: topic.id,
        partitions,
        topicAuthorizedOperations: topicOperations(call, name),
      });
      if (first + partitions.length < topic.partitions.length) {
        nextCursor = { topicName: name, partitionIndex: first + partitions.length };
        break;
      }
    }
    return { topics: told, nextCursor };
  };
}

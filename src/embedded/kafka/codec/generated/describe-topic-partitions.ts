// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface TopicRequest {
  readonly name: string;
}

const topicRequest: StructTable<TopicRequest> = {
  name: { type: "string", versions: "0+" },
};

export interface Cursor {
  readonly topicName: string;
  readonly partitionIndex: number;
}

const cursor: StructTable<Cursor> = {
  topicName: { type: "string", versions: "0+" },
  partitionIndex: { type: "int32", versions: "0+" },
};

export interface DescribeTopicPartitionsRequest {
  readonly topics: readonly TopicRequest[];
  readonly responsePartitionLimit: number;
  readonly cursor: Cursor | null;
}

export const describeTopicPartitionsRequest: MessageTable<DescribeTopicPartitionsRequest> = {
  name: "DescribeTopicPartitionsRequest",
  validVersions: "0",
  flexibleVersions: "0+",
  fields: {
    topics: { type: { arrayOf: { struct: topicRequest } }, versions: "0+" },
    responsePartitionLimit: { type: "int32", versions: "0+", default: 2000 },
    cursor: { type: { struct: cursor }, versions: "0+", nullableVersions: "0+", default: null },
  },
};

export interface DescribeTopicPartitionsResponsePartition {
  readonly errorCode: number;
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
  readonly eligibleLeaderReplicas: readonly number[] | null;
  readonly lastKnownElr: readonly number[] | null;
  readonly offlineReplicas: readonly number[];
}

const describeTopicPartitionsResponsePartition: StructTable<DescribeTopicPartitionsResponsePartition> =
  {
    errorCode: { type: "int16", versions: "0+" },
    partitionIndex: { type: "int32", versions: "0+" },
    leaderId: { type: "int32", versions: "0+" },
    leaderEpoch: { type: "int32", versions: "0+", default: -1, ignorable: true },
    replicaNodes: { type: { arrayOf: "int32" }, versions: "0+" },
    isrNodes: { type: { arrayOf: "int32" }, versions: "0+" },
    eligibleLeaderReplicas: {
      type: { arrayOf: "int32" },
      versions: "0+",
      nullableVersions: "0+",
      default: null,
    },
    lastKnownElr: {
      type: { arrayOf: "int32" },
      versions: "0+",
      nullableVersions: "0+",
      default: null,
    },
    offlineReplicas: { type: { arrayOf: "int32" }, versions: "0+", ignorable: true },
  };

export interface DescribeTopicPartitionsResponseTopic {
  readonly errorCode: number;
  readonly name: string | null;
  readonly topicId: string;
  readonly isInternal: boolean;
  readonly partitions: readonly DescribeTopicPartitionsResponsePartition[];
  readonly topicAuthorizedOperations: number;
}

const describeTopicPartitionsResponseTopic: StructTable<DescribeTopicPartitionsResponseTopic> = {
  errorCode: { type: "int16", versions: "0+" },
  name: { type: "string", versions: "0+", nullableVersions: "0+" },
  topicId: { type: "uuid", versions: "0+", ignorable: true },
  isInternal: { type: "bool", versions: "0+", ignorable: true },
  partitions: {
    type: { arrayOf: { struct: describeTopicPartitionsResponsePartition } },
    versions: "0+",
  },
  topicAuthorizedOperations: { type: "int32", versions: "0+", default: -2147483648 },
};

export interface DescribeTopicPartitionsResponse {
  readonly throttleTimeMs: number;
  readonly topics: readonly DescribeTopicPartitionsResponseTopic[];
  readonly nextCursor: Cursor | null;
}

export const describeTopicPartitionsResponse: MessageTable<DescribeTopicPartitionsResponse> = {
  name: "DescribeTopicPartitionsResponse",
  validVersions: "0",
  flexibleVersions: "0+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+", ignorable: true },
    topics: { type: { arrayOf: { struct: describeTopicPartitionsResponseTopic } }, versions: "0+" },
    nextCursor: { type: { struct: cursor }, versions: "0+", nullableVersions: "0+", default: null },
  },
};

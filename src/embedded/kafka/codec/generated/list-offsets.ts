// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface ListOffsetsPartition {
  readonly partitionIndex: number;
  readonly currentLeaderEpoch: number;
  readonly timestamp: number;
}

const listOffsetsPartition: StructTable<ListOffsetsPartition> = {
  partitionIndex: { type: "int32", versions: "0+" },
  currentLeaderEpoch: { type: "int32", versions: "4+", default: -1, ignorable: true },
  timestamp: { type: "int64", versions: "0+", saturating: true },
};

export interface ListOffsetsTopic {
  readonly name: string;
  readonly partitions: readonly ListOffsetsPartition[];
}

const listOffsetsTopic: StructTable<ListOffsetsTopic> = {
  name: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: { struct: listOffsetsPartition } }, versions: "0+" },
};

export interface ListOffsetsRequest {
  readonly replicaId: number;
  readonly isolationLevel: number;
  readonly topics: readonly ListOffsetsTopic[];
  readonly timeoutMs: number;
}

export const listOffsetsRequest: MessageTable<ListOffsetsRequest> = {
  name: "ListOffsetsRequest",
  validVersions: "1-11",
  flexibleVersions: "6+",
  fields: {
    replicaId: { type: "int32", versions: "0+" },
    isolationLevel: { type: "int8", versions: "2+" },
    topics: { type: { arrayOf: { struct: listOffsetsTopic } }, versions: "0+" },
    timeoutMs: { type: "int32", versions: "10+", ignorable: true },
  },
};

export interface ListOffsetsPartitionResponse {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly timestamp: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

const listOffsetsPartitionResponse: StructTable<ListOffsetsPartitionResponse> = {
  partitionIndex: { type: "int32", versions: "0+" },
  errorCode: { type: "int16", versions: "0+" },
  timestamp: { type: "int64", versions: "1+", default: -1 },
  offset: { type: "int64", versions: "1+", default: -1 },
  leaderEpoch: { type: "int32", versions: "4+", default: -1 },
};

export interface ListOffsetsTopicResponse {
  readonly name: string;
  readonly partitions: readonly ListOffsetsPartitionResponse[];
}

const listOffsetsTopicResponse: StructTable<ListOffsetsTopicResponse> = {
  name: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: { struct: listOffsetsPartitionResponse } }, versions: "0+" },
};

export interface ListOffsetsResponse {
  readonly throttleTimeMs: number;
  readonly topics: readonly ListOffsetsTopicResponse[];
}

export const listOffsetsResponse: MessageTable<ListOffsetsResponse> = {
  name: "ListOffsetsResponse",
  validVersions: "1-11",
  flexibleVersions: "6+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "2+", ignorable: true },
    topics: { type: { arrayOf: { struct: listOffsetsTopicResponse } }, versions: "0+" },
  },
};

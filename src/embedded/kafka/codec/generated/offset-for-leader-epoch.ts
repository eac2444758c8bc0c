// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface OffsetForLeaderPartition {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly leaderEpoch: number;
}

const offsetForLeaderPartition: StructTable<OffsetForLeaderPartition> = {
  partition: { type: "int32", versions: "0+" },
  currentLeaderEpoch: { type: "int32", versions: "2+", default: -1, ignorable: true },
  leaderEpoch: { type: "int32", versions: "0+" },
};

export interface OffsetForLeaderTopic {
  readonly topic: string;
  readonly partitions: readonly OffsetForLeaderPartition[];
}

const offsetForLeaderTopic: StructTable<OffsetForLeaderTopic> = {
  topic: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: { struct: offsetForLeaderPartition } }, versions: "0+" },
};

export interface OffsetForLeaderEpochRequest {
  readonly replicaId: number;
  readonly topics: readonly OffsetForLeaderTopic[];
}

export const offsetForLeaderEpochRequest: MessageTable<OffsetForLeaderEpochRequest> = {
  name: "OffsetForLeaderEpochRequest",
  validVersions: "2-4",
  flexibleVersions: "4+",
  fields: {
    replicaId: { type: "int32", versions: "3+", default: -2, ignorable: true },
    topics: { type: { arrayOf: { struct: offsetForLeaderTopic } }, versions: "0+" },
  },
};

export interface EpochEndOffset {
  readonly errorCode: number;
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly endOffset: number;
}

const epochEndOffset: StructTable<EpochEndOffset> = {
  errorCode: { type: "int16", versions: "0+" },
  partition: { type: "int32", versions: "0+" },
  leaderEpoch: { type: "int32", versions: "1+", default: -1, ignorable: true },
  endOffset: { type: "int64", versions: "0+", default: -1 },
};

export interface OffsetForLeaderTopicResult {
  readonly topic: string;
  readonly partitions: readonly EpochEndOffset[];
}

const offsetForLeaderTopicResult: StructTable<OffsetForLeaderTopicResult> = {
  topic: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: { struct: epochEndOffset } }, versions: "0+" },
};

export interface OffsetForLeaderEpochResponse {
  readonly throttleTimeMs: number;
  readonly topics: readonly OffsetForLeaderTopicResult[];
}

export const offsetForLeaderEpochResponse: MessageTable<OffsetForLeaderEpochResponse> = {
  name: "OffsetForLeaderEpochResponse",
  validVersions: "2-4",
  flexibleVersions: "4+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "2+", ignorable: true },
    topics: { type: { arrayOf: { struct: offsetForLeaderTopicResult } }, versions: "0+" },
  },
};

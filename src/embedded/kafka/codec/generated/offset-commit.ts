// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface OffsetCommitRequestPartition {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly committedMetadata: string | null;
}

const offsetCommitRequestPartition: StructTable<OffsetCommitRequestPartition> = {
  partitionIndex: { type: "int32", versions: "0+" },
  committedOffset: { type: "int64", versions: "0+" },
  committedLeaderEpoch: { type: "int32", versions: "6+", default: -1, ignorable: true },
  committedMetadata: { type: "string", versions: "0+", nullableVersions: "0+" },
};

export interface OffsetCommitRequestTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly OffsetCommitRequestPartition[];
}

const offsetCommitRequestTopic: StructTable<OffsetCommitRequestTopic> = {
  name: { type: "string", versions: "0-9", ignorable: true },
  topicId: { type: "uuid", versions: "10+", ignorable: true },
  partitions: { type: { arrayOf: { struct: offsetCommitRequestPartition } }, versions: "0+" },
};

export interface OffsetCommitRequest {
  readonly groupId: string;
  readonly generationIdOrMemberEpoch: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly retentionTimeMs: number;
  readonly topics: readonly OffsetCommitRequestTopic[];
}

export const offsetCommitRequest: MessageTable<OffsetCommitRequest> = {
  name: "OffsetCommitRequest",
  validVersions: "2-10",
  flexibleVersions: "8+",
  fields: {
    groupId: { type: "string", versions: "0+" },
    generationIdOrMemberEpoch: { type: "int32", versions: "1+", default: -1, ignorable: true },
    memberId: { type: "string", versions: "1+", ignorable: true },
    groupInstanceId: { type: "string", versions: "7+", nullableVersions: "7+", default: null },
    retentionTimeMs: {
      type: "int64",
      versions: "2-4",
      default: -1,
      ignorable: true,
      saturating: true,
    },
    topics: { type: { arrayOf: { struct: offsetCommitRequestTopic } }, versions: "0+" },
  },
};

export interface OffsetCommitResponsePartition {
  readonly partitionIndex: number;
  readonly errorCode: number;
}

const offsetCommitResponsePartition: StructTable<OffsetCommitResponsePartition> = {
  partitionIndex: { type: "int32", versions: "0+" },
  errorCode: { type: "int16", versions: "0+" },
};

export interface OffsetCommitResponseTopic {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly OffsetCommitResponsePartition[];
}

const offsetCommitResponseTopic: StructTable<OffsetCommitResponseTopic> = {
  name: { type: "string", versions: "0-9", ignorable: true },
  topicId: { type: "uuid", versions: "10+", ignorable: true },
  partitions: { type: { arrayOf: { struct: offsetCommitResponsePartition } }, versions: "0+" },
};

export interface OffsetCommitResponse {
  readonly throttleTimeMs: number;
  readonly topics: readonly OffsetCommitResponseTopic[];
}

export const offsetCommitResponse: MessageTable<OffsetCommitResponse> = {
  name: "OffsetCommitResponse",
  validVersions: "2-10",
  flexibleVersions: "8+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "3+", ignorable: true },
    topics: { type: { arrayOf: { struct: offsetCommitResponseTopic } }, versions: "0+" },
  },
};

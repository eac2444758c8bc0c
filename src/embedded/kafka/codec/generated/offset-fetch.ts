// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface OffsetFetchRequestTopic {
  readonly name: string;
  readonly partitionIndexes: readonly number[];
}

const offsetFetchRequestTopic: StructTable<OffsetFetchRequestTopic> = {
  name: { type: "string", versions: "0-7" },
  partitionIndexes: { type: { arrayOf: "int32" }, versions: "0-7" },
};

export interface OffsetFetchRequestTopics {
  readonly name: string;
  readonly topicId: string;
  readonly partitionIndexes: readonly number[];
}

const offsetFetchRequestTopics: StructTable<OffsetFetchRequestTopics> = {
  name: { type: "string", versions: "8-9", ignorable: true },
  topicId: { type: "uuid", versions: "10+", ignorable: true },
  partitionIndexes: { type: { arrayOf: "int32" }, versions: "8+" },
};

export interface OffsetFetchRequestGroup {
  readonly groupId: string;
  readonly memberId: string | null;
  readonly memberEpoch: number;
  readonly topics: readonly OffsetFetchRequestTopics[] | null;
}

const offsetFetchRequestGroup: StructTable<OffsetFetchRequestGroup> = {
  groupId: { type: "string", versions: "8+" },
  memberId: {
    type: "string",
    versions: "9+",
    nullableVersions: "9+",
    default: null,
    ignorable: true,
  },
  memberEpoch: { type: "int32", versions: "9+", default: -1, ignorable: true },
  topics: {
    type: { arrayOf: { struct: offsetFetchRequestTopics } },
    versions: "8+",
    nullableVersions: "8+",
  },
};

export interface OffsetFetchRequest {
  readonly groupId: string;
  readonly topics: readonly OffsetFetchRequestTopic[] | null;
  readonly groups: readonly OffsetFetchRequestGroup[];
  readonly requireStable: boolean;
}

export const offsetFetchRequest: MessageTable<OffsetFetchRequest> = {
  name: "OffsetFetchRequest",
  validVersions: "1-10",
  flexibleVersions: "6+",
  fields: {
    groupId: { type: "string", versions: "0-7" },
    topics: {
      type: { arrayOf: { struct: offsetFetchRequestTopic } },
      versions: "0-7",
      nullableVersions: "2-7",
    },
    groups: { type: { arrayOf: { struct: offsetFetchRequestGroup } }, versions: "8+" },
    requireStable: { type: "bool", versions: "7+" },
  },
};

export interface OffsetFetchResponsePartition {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly metadata: string | null;
  readonly errorCode: number;
}

const offsetFetchResponsePartition: StructTable<OffsetFetchResponsePartition> = {
  partitionIndex: { type: "int32", versions: "0-7" },
  committedOffset: { type: "int64", versions: "0-7" },
  committedLeaderEpoch: { type: "int32", versions: "5-7", default: -1, ignorable: true },
  metadata: { type: "string", versions: "0-7", nullableVersions: "0-7" },
  errorCode: { type: "int16", versions: "0-7" },
};

export interface OffsetFetchResponseTopic {
  readonly name: string;
  readonly partitions: readonly OffsetFetchResponsePartition[];
}

const offsetFetchResponseTopic: StructTable<OffsetFetchResponseTopic> = {
  name: { type: "string", versions: "0-7" },
  partitions: { type: { arrayOf: { struct: offsetFetchResponsePartition } }, versions: "0-7" },
};

export interface OffsetFetchResponsePartitions {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly metadata: string | null;
  readonly errorCode: number;
}

const offsetFetchResponsePartitions: StructTable<OffsetFetchResponsePartitions> = {
  partitionIndex: { type: "int32", versions: "8+" },
  committedOffset: { type: "int64", versions: "8+" },
  committedLeaderEpoch: { type: "int32", versions: "8+", default: -1, ignorable: true },
  metadata: { type: "string", versions: "8+", nullableVersions: "8+" },
  errorCode: { type: "int16", versions: "8+" },
};

export interface OffsetFetchResponseTopics {
  readonly name: string;
  readonly topicId: string;
  readonly partitions: readonly OffsetFetchResponsePartitions[];
}

const offsetFetchResponseTopics: StructTable<OffsetFetchResponseTopics> = {
  name: { type: "string", versions: "8-9", ignorable: true },
  topicId: { type: "uuid", versions: "10+", ignorable: true },
  partitions: { type: { arrayOf: { struct: offsetFetchResponsePartitions } }, versions: "8+" },
};

export interface OffsetFetchResponseGroup {
  readonly groupId: string;
  readonly topics: readonly OffsetFetchResponseTopics[];
  readonly errorCode: number;
}

const offsetFetchResponseGroup: StructTable<OffsetFetchResponseGroup> = {
  groupId: { type: "string", versions: "8+" },
  topics: { type: { arrayOf: { struct: offsetFetchResponseTopics } }, versions: "8+" },
  errorCode: { type: "int16", versions: "8+" },
};

export interface OffsetFetchResponse {
  readonly throttleTimeMs: number;
  readonly topics: readonly OffsetFetchResponseTopic[];
  readonly errorCode: number;
  readonly groups: readonly OffsetFetchResponseGroup[];
}

export const offsetFetchResponse: MessageTable<OffsetFetchResponse> = {
  name: "OffsetFetchResponse",
  validVersions: "1-10",
  flexibleVersions: "6+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "3+", ignorable: true },
    topics: { type: { arrayOf: { struct: offsetFetchResponseTopic } }, versions: "0-7" },
    errorCode: { type: "int16", versions: "2-7", ignorable: true },
    groups: { type: { arrayOf: { struct: offsetFetchResponseGroup } }, versions: "8+" },
  },
};

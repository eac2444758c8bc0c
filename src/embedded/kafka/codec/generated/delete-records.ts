// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface DeleteRecordsPartition {
  readonly partitionIndex: number;
  readonly offset: number;
}

const deleteRecordsPartition: StructTable<DeleteRecordsPartition> = {
  partitionIndex: { type: "int32", versions: "0+" },
  offset: { type: "int64", versions: "0+", saturating: true },
};

export interface DeleteRecordsTopic {
  readonly name: string;
  readonly partitions: readonly DeleteRecordsPartition[];
}

const deleteRecordsTopic: StructTable<DeleteRecordsTopic> = {
  name: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: { struct: deleteRecordsPartition } }, versions: "0+" },
};

export interface DeleteRecordsRequest {
  readonly topics: readonly DeleteRecordsTopic[];
  readonly timeoutMs: number;
}

export const deleteRecordsRequest: MessageTable<DeleteRecordsRequest> = {
  name: "DeleteRecordsRequest",
  validVersions: "0-2",
  flexibleVersions: "2+",
  fields: {
    topics: { type: { arrayOf: { struct: deleteRecordsTopic } }, versions: "0+" },
    timeoutMs: { type: "int32", versions: "0+" },
  },
};

export interface DeleteRecordsPartitionResult {
  readonly partitionIndex: number;
  readonly lowWatermark: number;
  readonly errorCode: number;
}

const deleteRecordsPartitionResult: StructTable<DeleteRecordsPartitionResult> = {
  partitionIndex: { type: "int32", versions: "0+" },
  lowWatermark: { type: "int64", versions: "0+" },
  errorCode: { type: "int16", versions: "0+" },
};

export interface DeleteRecordsTopicResult {
  readonly name: string;
  readonly partitions: readonly DeleteRecordsPartitionResult[];
}

const deleteRecordsTopicResult: StructTable<DeleteRecordsTopicResult> = {
  name: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: { struct: deleteRecordsPartitionResult } }, versions: "0+" },
};

export interface DeleteRecordsResponse {
  readonly throttleTimeMs: number;
  readonly topics: readonly DeleteRecordsTopicResult[];
}

export const deleteRecordsResponse: MessageTable<DeleteRecordsResponse> = {
  name: "DeleteRecordsResponse",
  validVersions: "0-2",
  flexibleVersions: "2+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    topics: { type: { arrayOf: { struct: deleteRecordsTopicResult } }, versions: "0+" },
  },
};

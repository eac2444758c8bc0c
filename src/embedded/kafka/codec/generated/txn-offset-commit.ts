// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface TxnOffsetCommitRequestPartition {
  readonly partitionIndex: number;
  readonly committedOffset: number;
  readonly committedLeaderEpoch: number;
  readonly committedMetadata: string | null;
}

const txnOffsetCommitRequestPartition: StructTable<TxnOffsetCommitRequestPartition> = {
  partitionIndex: { type: "int32", versions: "0+" },
  committedOffset: { type: "int64", versions: "0+" },
  committedLeaderEpoch: { type: "int32", versions: "2+", default: -1, ignorable: true },
  committedMetadata: { type: "string", versions: "0+", nullableVersions: "0+" },
};

export interface TxnOffsetCommitRequestTopic {
  readonly name: string;
  readonly partitions: readonly TxnOffsetCommitRequestPartition[];
}

const txnOffsetCommitRequestTopic: StructTable<TxnOffsetCommitRequestTopic> = {
  name: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: { struct: txnOffsetCommitRequestPartition } }, versions: "0+" },
};

export interface TxnOffsetCommitRequest {
  readonly transactionalId: string;
  readonly groupId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly topics: readonly TxnOffsetCommitRequestTopic[];
}

export const txnOffsetCommitRequest: MessageTable<TxnOffsetCommitRequest> = {
  name: "TxnOffsetCommitRequest",
  validVersions: "0-5",
  flexibleVersions: "3+",
  fields: {
    transactionalId: { type: "string", versions: "0+" },
    groupId: { type: "string", versions: "0+" },
    producerId: { type: "int64", versions: "0+" },
    producerEpoch: { type: "int16", versions: "0+" },
    generationId: { type: "int32", versions: "3+", default: -1 },
    memberId: { type: "string", versions: "3+" },
    groupInstanceId: { type: "string", versions: "3+", nullableVersions: "3+", default: null },
    topics: { type: { arrayOf: { struct: txnOffsetCommitRequestTopic } }, versions: "0+" },
  },
};

export interface TxnOffsetCommitResponsePartition {
  readonly partitionIndex: number;
  readonly errorCode: number;
}

const txnOffsetCommitResponsePartition: StructTable<TxnOffsetCommitResponsePartition> = {
  partitionIndex: { type: "int32", versions: "0+" },
  errorCode: { type: "int16", versions: "0+" },
};

export interface TxnOffsetCommitResponseTopic {
  readonly name: string;
  readonly partitions: readonly TxnOffsetCommitResponsePartition[];
}

const txnOffsetCommitResponseTopic: StructTable<TxnOffsetCommitResponseTopic> = {
  name: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: { struct: txnOffsetCommitResponsePartition } }, versions: "0+" },
};

export interface TxnOffsetCommitResponse {
  readonly throttleTimeMs: number;
  readonly topics: readonly TxnOffsetCommitResponseTopic[];
}

export const txnOffsetCommitResponse: MessageTable<TxnOffsetCommitResponse> = {
  name: "TxnOffsetCommitResponse",
  validVersions: "0-5",
  flexibleVersions: "3+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    topics: { type: { arrayOf: { struct: txnOffsetCommitResponseTopic } }, versions: "0+" },
  },
};

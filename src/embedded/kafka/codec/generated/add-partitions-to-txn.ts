// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface AddPartitionsToTxnTopic {
  readonly name: string;
  readonly partitions: readonly number[];
}

const addPartitionsToTxnTopic: StructTable<AddPartitionsToTxnTopic> = {
  name: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: "int32" }, versions: "0+" },
};

export interface AddPartitionsToTxnTransaction {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly verifyOnly: boolean;
  readonly topics: readonly AddPartitionsToTxnTopic[];
}

const addPartitionsToTxnTransaction: StructTable<AddPartitionsToTxnTransaction> = {
  transactionalId: { type: "string", versions: "4+" },
  producerId: { type: "int64", versions: "4+" },
  producerEpoch: { type: "int16", versions: "4+" },
  verifyOnly: { type: "bool", versions: "4+" },
  topics: { type: { arrayOf: { struct: addPartitionsToTxnTopic } }, versions: "4+" },
};

export interface AddPartitionsToTxnRequest {
  readonly transactions: readonly AddPartitionsToTxnTransaction[];
  readonly v3AndBelowTransactionalId: string;
  readonly v3AndBelowProducerId: number;
  readonly v3AndBelowProducerEpoch: number;
  readonly v3AndBelowTopics: readonly AddPartitionsToTxnTopic[];
}

export const addPartitionsToTxnRequest: MessageTable<AddPartitionsToTxnRequest> = {
  name: "AddPartitionsToTxnRequest",
  validVersions: "0-5",
  flexibleVersions: "3+",
  fields: {
    transactions: { type: { arrayOf: { struct: addPartitionsToTxnTransaction } }, versions: "4+" },
    v3AndBelowTransactionalId: { type: "string", versions: "0-3" },
    v3AndBelowProducerId: { type: "int64", versions: "0-3" },
    v3AndBelowProducerEpoch: { type: "int16", versions: "0-3" },
    v3AndBelowTopics: { type: { arrayOf: { struct: addPartitionsToTxnTopic } }, versions: "0-3" },
  },
};

export interface AddPartitionsToTxnPartitionResult {
  readonly partitionIndex: number;
  readonly partitionErrorCode: number;
}

const addPartitionsToTxnPartitionResult: StructTable<AddPartitionsToTxnPartitionResult> = {
  partitionIndex: { type: "int32", versions: "0+" },
  partitionErrorCode: { type: "int16", versions: "0+" },
};

export interface AddPartitionsToTxnTopicResult {
  readonly name: string;
  readonly resultsByPartition: readonly AddPartitionsToTxnPartitionResult[];
}

const addPartitionsToTxnTopicResult: StructTable<AddPartitionsToTxnTopicResult> = {
  name: { type: "string", versions: "0+" },
  resultsByPartition: {
    type: { arrayOf: { struct: addPartitionsToTxnPartitionResult } },
    versions: "0+",
  },
};

export interface AddPartitionsToTxnResult {
  readonly transactionalId: string;
  readonly topicResults: readonly AddPartitionsToTxnTopicResult[];
}

const addPartitionsToTxnResult: StructTable<AddPartitionsToTxnResult> = {
  transactionalId: { type: "string", versions: "4+" },
  topicResults: { type: { arrayOf: { struct: addPartitionsToTxnTopicResult } }, versions: "4+" },
};

export interface AddPartitionsToTxnResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly resultsByTransaction: readonly AddPartitionsToTxnResult[];
  readonly resultsByTopicV3AndBelow: readonly AddPartitionsToTxnTopicResult[];
}

export const addPartitionsToTxnResponse: MessageTable<AddPartitionsToTxnResponse> = {
  name: "AddPartitionsToTxnResponse",
  validVersions: "0-5",
  flexibleVersions: "3+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    errorCode: { type: "int16", versions: "4+", ignorable: true },
    resultsByTransaction: {
      type: { arrayOf: { struct: addPartitionsToTxnResult } },
      versions: "4+",
    },
    resultsByTopicV3AndBelow: {
      type: { arrayOf: { struct: addPartitionsToTxnTopicResult } },
      versions: "0-3",
    },
  },
};

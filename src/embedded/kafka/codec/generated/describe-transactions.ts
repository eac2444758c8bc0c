// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface DescribeTransactionsRequest {
  readonly transactionalIds: readonly string[];
}

export const describeTransactionsRequest: MessageTable<DescribeTransactionsRequest> = {
  name: "DescribeTransactionsRequest",
  validVersions: "0",
  flexibleVersions: "0+",
  fields: {
    transactionalIds: { type: { arrayOf: "string" }, versions: "0+" },
  },
};

export interface TopicData {
  readonly topic: string;
  readonly partitions: readonly number[];
}

const topicData: StructTable<TopicData> = {
  topic: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: "int32" }, versions: "0+" },
};

export interface TransactionState {
  readonly errorCode: number;
  readonly transactionalId: string;
  readonly transactionState: string;
  readonly transactionTimeoutMs: number;
  readonly transactionStartTimeMs: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly topics: readonly TopicData[];
}

const transactionState: StructTable<TransactionState> = {
  errorCode: { type: "int16", versions: "0+" },
  transactionalId: { type: "string", versions: "0+" },
  transactionState: { type: "string", versions: "0+" },
  transactionTimeoutMs: { type: "int32", versions: "0+" },
  transactionStartTimeMs: { type: "int64", versions: "0+" },
  producerId: { type: "int64", versions: "0+" },
  producerEpoch: { type: "int16", versions: "0+" },
  topics: { type: { arrayOf: { struct: topicData } }, versions: "0+" },
};

export interface DescribeTransactionsResponse {
  readonly throttleTimeMs: number;
  readonly transactionStates: readonly TransactionState[];
}

export const describeTransactionsResponse: MessageTable<DescribeTransactionsResponse> = {
  name: "DescribeTransactionsResponse",
  validVersions: "0",
  flexibleVersions: "0+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    transactionStates: { type: { arrayOf: { struct: transactionState } }, versions: "0+" },
  },
};

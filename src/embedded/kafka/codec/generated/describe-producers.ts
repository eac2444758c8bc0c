// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface TopicRequest {
  readonly name: string;
  readonly partitionIndexes: readonly number[];
}

const topicRequest: StructTable<TopicRequest> = {
  name: { type: "string", versions: "0+" },
  partitionIndexes: { type: { arrayOf: "int32" }, versions: "0+" },
};

export interface DescribeProducersRequest {
  readonly topics: readonly TopicRequest[];
}

export const describeProducersRequest: MessageTable<DescribeProducersRequest> = {
  name: "DescribeProducersRequest",
  validVersions: "0",
  flexibleVersions: "0+",
  fields: {
    topics: { type: { arrayOf: { struct: topicRequest } }, versions: "0+" },
  },
};

export interface ProducerState {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastTimestamp: number;
  readonly coordinatorEpoch: number;
  readonly currentTxnStartOffset: number;
}

const producerState: StructTable<ProducerState> = {
  producerId: { type: "int64", versions: "0+" },
  producerEpoch: { type: "int32", versions: "0+" },
  lastSequence: { type: "int32", versions: "0+", default: -1 },
  lastTimestamp: { type: "int64", versions: "0+", default: -1 },
  coordinatorEpoch: { type: "int32", versions: "0+" },
  currentTxnStartOffset: { type: "int64", versions: "0+", default: -1 },
};

export interface PartitionResponse {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly activeProducers: readonly ProducerState[];
}

const partitionResponse: StructTable<PartitionResponse> = {
  partitionIndex: { type: "int32", versions: "0+" },
  errorCode: { type: "int16", versions: "0+" },
  errorMessage: { type: "string", versions: "0+", nullableVersions: "0+", default: null },
  activeProducers: { type: { arrayOf: { struct: producerState } }, versions: "0+" },
};

export interface TopicResponse {
  readonly name: string;
  readonly partitions: readonly PartitionResponse[];
}

const topicResponse: StructTable<TopicResponse> = {
  name: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: { struct: partitionResponse } }, versions: "0+" },
};

export interface DescribeProducersResponse {
  readonly throttleTimeMs: number;
  readonly topics: readonly TopicResponse[];
}

export const describeProducersResponse: MessageTable<DescribeProducersResponse> = {
  name: "DescribeProducersResponse",
  validVersions: "0",
  flexibleVersions: "0+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    topics: { type: { arrayOf: { struct: topicResponse } }, versions: "0+" },
  },
};

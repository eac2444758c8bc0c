// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface PartitionProduceData {
  readonly index: number;
  readonly records: Buffer | null;
}

const partitionProduceData: StructTable<PartitionProduceData> = {
  index: { type: "int32", versions: "0+" },
  records: { type: "records", versions: "0+", nullableVersions: "0+", default: null },
};

export interface TopicProduceData {
  readonly name: string;
  readonly topicId: string;
  readonly partitionData: readonly PartitionProduceData[];
}

const topicProduceData: StructTable<TopicProduceData> = {
  name: { type: "string", versions: "0-12", ignorable: true },
  topicId: { type: "uuid", versions: "13+", ignorable: true },
  partitionData: { type: { arrayOf: { struct: partitionProduceData } }, versions: "0+" },
};

export interface ProduceRequest {
  readonly transactionalId: string | null;
  readonly acks: number;
  readonly timeoutMs: number;
  readonly topicData: readonly TopicProduceData[];
}

export const produceRequest: MessageTable<ProduceRequest> = {
  name: "ProduceRequest",
  validVersions: "3-13",
  flexibleVersions: "9+",
  fields: {
    transactionalId: { type: "string", versions: "3+", nullableVersions: "3+", default: null },
    acks: { type: "int16", versions: "0+" },
    timeoutMs: { type: "int32", versions: "0+" },
    topicData: { type: { arrayOf: { struct: topicProduceData } }, versions: "0+" },
  },
};

export interface BatchIndexAndErrorMessage {
  readonly batchIndex: number;
  readonly batchIndexErrorMessage: string | null;
}

const batchIndexAndErrorMessage: StructTable<BatchIndexAndErrorMessage> = {
  batchIndex: { type: "int32", versions: "8+" },
  batchIndexErrorMessage: { type: "string", versions: "8+", nullableVersions: "8+", default: null },
};

export interface LeaderIdAndEpoch {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

const leaderIdAndEpoch: StructTable<LeaderIdAndEpoch> = {
  leaderId: { type: "int32", versions: "10+", default: -1 },
  leaderEpoch: { type: "int32", versions: "10+", default: -1 },
};

export interface PartitionProduceResponse {
  readonly index: number;
  readonly errorCode: number;
  readonly baseOffset: number;
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  readonly recordErrors: readonly BatchIndexAndErrorMessage[];
  readonly errorMessage: string | null;
  readonly currentLeader: LeaderIdAndEpoch;
}

const partitionProduceResponse: StructTable<PartitionProduceResponse> = {
  index: { type: "int32", versions: "0+" },
  errorCode: { type: "int16", versions: "0+" },
  baseOffset: { type: "int64", versions: "0+" },
  logAppendTimeMs: { type: "int64", versions: "2+", default: -1, ignorable: true },
  logStartOffset: { type: "int64", versions: "5+", default: -1, ignorable: true },
  recordErrors: {
    type: { arrayOf: { struct: batchIndexAndErrorMessage } },
    versions: "8+",
    ignorable: true,
  },
  errorMessage: {
    type: "string",
    versions: "8+",
    nullableVersions: "8+",
    default: null,
    ignorable: true,
  },
  currentLeader: { type: { struct: leaderIdAndEpoch }, versions: "10+", tag: 0 },
};

export interface TopicProduceResponse {
  readonly name: string;
  readonly topicId: string;
  readonly partitionResponses: readonly PartitionProduceResponse[];
}

const topicProduceResponse: StructTable<TopicProduceResponse> = {
  name: { type: "string", versions: "0-12", ignorable: true },
  topicId: { type: "uuid", versions: "13+", ignorable: true },
  partitionResponses: { type: { arrayOf: { struct: partitionProduceResponse } }, versions: "0+" },
};

export interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

const nodeEndpoint: StructTable<NodeEndpoint> = {
  nodeId: { type: "int32", versions: "10+" },
  host: { type: "string", versions: "10+" },
  port: { type: "int32", versions: "10+" },
  rack: { type: "string", versions: "10+", nullableVersions: "10+", default: null },
};

export interface ProduceResponse {
  readonly responses: readonly TopicProduceResponse[];
  readonly throttleTimeMs: number;
  readonly nodeEndpoints: readonly NodeEndpoint[];
}

export const produceResponse: MessageTable<ProduceResponse> = {
  name: "ProduceResponse",
  validVersions: "3-13",
  flexibleVersions: "9+",
  fields: {
    responses: { type: { arrayOf: { struct: topicProduceResponse } }, versions: "0+" },
    throttleTimeMs: { type: "int32", versions: "1+", ignorable: true },
    nodeEndpoints: { type: { arrayOf: { struct: nodeEndpoint } }, versions: "10+", tag: 0 },
  },
};

// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface MetadataRequestTopic {
  readonly topicId: string;
  readonly name: string | null;
}

const metadataRequestTopic: StructTable<MetadataRequestTopic> = {
  topicId: { type: "uuid", versions: "10+", ignorable: true },
  name: { type: "string", versions: "0+", nullableVersions: "10+" },
};

export interface MetadataRequest {
  readonly topics: readonly MetadataRequestTopic[] | null;
  readonly allowAutoTopicCreation: boolean;
  readonly includeClusterAuthorizedOperations: boolean;
  readonly includeTopicAuthorizedOperations: boolean;
}

export const metadataRequest: MessageTable<MetadataRequest> = {
  name: "MetadataRequest",
  validVersions: "0-13",
  flexibleVersions: "9+",
  fields: {
    topics: {
      type: { arrayOf: { struct: metadataRequestTopic } },
      versions: "0+",
      nullableVersions: "1+",
    },
    allowAutoTopicCreation: { type: "bool", versions: "4+", default: true },
    includeClusterAuthorizedOperations: { type: "bool", versions: "8-10" },
    includeTopicAuthorizedOperations: { type: "bool", versions: "8+" },
  },
};

export interface MetadataResponseBroker {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

const metadataResponseBroker: StructTable<MetadataResponseBroker> = {
  nodeId: { type: "int32", versions: "0+" },
  host: { type: "string", versions: "0+" },
  port: { type: "int32", versions: "0+" },
  rack: { type: "string", versions: "1+", nullableVersions: "1+", default: null, ignorable: true },
};

export interface MetadataResponsePartition {
  readonly errorCode: number;
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
  readonly offlineReplicas: readonly number[];
}

const metadataResponsePartition: StructTable<MetadataResponsePartition> = {
  errorCode: { type: "int16", versions: "0+" },
  partitionIndex: { type: "int32", versions: "0+" },
  leaderId: { type: "int32", versions: "0+" },
  leaderEpoch: { type: "int32", versions: "7+", default: -1, ignorable: true },
  replicaNodes: { type: { arrayOf: "int32" }, versions: "0+" },
  isrNodes: { type: { arrayOf: "int32" }, versions: "0+" },
  offlineReplicas: { type: { arrayOf: "int32" }, versions: "5+", ignorable: true },
};

export interface MetadataResponseTopic {
  readonly errorCode: number;
  readonly name: string | null;
  readonly topicId: string;
  readonly isInternal: boolean;
  readonly partitions: readonly MetadataResponsePartition[];
  readonly topicAuthorizedOperations: number;
}

const metadataResponseTopic: StructTable<MetadataResponseTopic> = {
  errorCode: { type: "int16", versions: "0+" },
  name: { type: "string", versions: "0+", nullableVersions: "12+" },
  topicId: { type: "uuid", versions: "10+", ignorable: true },
  isInternal: { type: "bool", versions: "1+", ignorable: true },
  partitions: { type: { arrayOf: { struct: metadataResponsePartition } }, versions: "0+" },
  topicAuthorizedOperations: { type: "int32", versions: "8+", default: -2147483648 },
};

export interface MetadataResponse {
  readonly throttleTimeMs: number;
  readonly brokers: readonly MetadataResponseBroker[];
  readonly clusterId: string | null;
  readonly controllerId: number;
  readonly topics: readonly MetadataResponseTopic[];
  readonly clusterAuthorizedOperations: number;
  readonly errorCode: number;
}

export const metadataResponse: MessageTable<MetadataResponse> = {
  name: "MetadataResponse",
  validVersions: "0-13",
  flexibleVersions: "9+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "3+", ignorable: true },
    brokers: { type: { arrayOf: { struct: metadataResponseBroker } }, versions: "0+" },
    clusterId: {
      type: "string",
      versions: "2+",
      nullableVersions: "2+",
      default: null,
      ignorable: true,
    },
    controllerId: { type: "int32", versions: "1+", default: -1, ignorable: true },
    topics: { type: { arrayOf: { struct: metadataResponseTopic } }, versions: "0+" },
    clusterAuthorizedOperations: { type: "int32", versions: "8-10", default: -2147483648 },
    errorCode: { type: "int16", versions: "13+", ignorable: true },
  },
};

// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface CreatableReplicaAssignment {
  readonly partitionIndex: number;
  readonly brokerIds: readonly number[];
}

const creatableReplicaAssignment: StructTable<CreatableReplicaAssignment> = {
  partitionIndex: { type: "int32", versions: "0+" },
  brokerIds: { type: { arrayOf: "int32" }, versions: "0+" },
};

export interface CreatableTopicConfig {
  readonly name: string;
  readonly value: string | null;
}

const creatableTopicConfig: StructTable<CreatableTopicConfig> = {
  name: { type: "string", versions: "0+" },
  value: { type: "string", versions: "0+", nullableVersions: "0+" },
};

export interface CreatableTopic {
  readonly name: string;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly assignments: readonly CreatableReplicaAssignment[];
  readonly configs: readonly CreatableTopicConfig[];
}

const creatableTopic: StructTable<CreatableTopic> = {
  name: { type: "string", versions: "0+" },
  numPartitions: { type: "int32", versions: "0+" },
  replicationFactor: { type: "int16", versions: "0+" },
  assignments: { type: { arrayOf: { struct: creatableReplicaAssignment } }, versions: "0+" },
  configs: { type: { arrayOf: { struct: creatableTopicConfig } }, versions: "0+" },
};

export interface CreateTopicsRequest {
  readonly topics: readonly CreatableTopic[];
  readonly timeoutMs: number;
  readonly validateOnly: boolean;
}

export const createTopicsRequest: MessageTable<CreateTopicsRequest> = {
  name: "CreateTopicsRequest",
  validVersions: "2-7",
  flexibleVersions: "5+",
  fields: {
    topics: { type: { arrayOf: { struct: creatableTopic } }, versions: "0+" },
    timeoutMs: { type: "int32", versions: "0+", default: 60000 },
    validateOnly: { type: "bool", versions: "1+" },
  },
};

export interface CreatableTopicConfigs {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
}

const creatableTopicConfigs: StructTable<CreatableTopicConfigs> = {
  name: { type: "string", versions: "5+" },
  value: { type: "string", versions: "5+", nullableVersions: "5+" },
  readOnly: { type: "bool", versions: "5+" },
  configSource: { type: "int8", versions: "5+", default: -1, ignorable: true },
  isSensitive: { type: "bool", versions: "5+" },
};

export interface CreatableTopicResult {
  readonly name: string;
  readonly topicId: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly topicConfigErrorCode: number;
  readonly numPartitions: number;
  readonly replicationFactor: number;
  readonly configs: readonly CreatableTopicConfigs[] | null;
}

const creatableTopicResult: StructTable<CreatableTopicResult> = {
  name: { type: "string", versions: "0+" },
  topicId: { type: "uuid", versions: "7+", ignorable: true },
  errorCode: { type: "int16", versions: "0+" },
  errorMessage: { type: "string", versions: "1+", nullableVersions: "0+", ignorable: true },
  topicConfigErrorCode: { type: "int16", versions: "5+", tag: 0, ignorable: true },
  numPartitions: { type: "int32", versions: "5+", default: -1, ignorable: true },
  replicationFactor: { type: "int16", versions: "5+", default: -1, ignorable: true },
  configs: {
    type: { arrayOf: { struct: creatableTopicConfigs } },
    versions: "5+",
    nullableVersions: "5+",
    ignorable: true,
  },
};

export interface CreateTopicsResponse {
  readonly throttleTimeMs: number;
  readonly topics: readonly CreatableTopicResult[];
}

export const createTopicsResponse: MessageTable<CreateTopicsResponse> = {
  name: "CreateTopicsResponse",
  validVersions: "2-7",
  flexibleVersions: "5+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "2+", ignorable: true },
    topics: { type: { arrayOf: { struct: creatableTopicResult } }, versions: "0+" },
  },
};

// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface CreatePartitionsAssignment {
  readonly brokerIds: readonly number[];
}

const createPartitionsAssignment: StructTable<CreatePartitionsAssignment> = {
  brokerIds: { type: { arrayOf: "int32" }, versions: "0+" },
};

export interface CreatePartitionsTopic {
  readonly name: string;
  readonly count: number;
  readonly assignments: readonly CreatePartitionsAssignment[] | null;
}

const createPartitionsTopic: StructTable<CreatePartitionsTopic> = {
  name: { type: "string", versions: "0+" },
  count: { type: "int32", versions: "0+" },
  assignments: {
    type: { arrayOf: { struct: createPartitionsAssignment } },
    versions: "0+",
    nullableVersions: "0+",
  },
};

export interface CreatePartitionsRequest {
  readonly topics: readonly CreatePartitionsTopic[];
  readonly timeoutMs: number;
  readonly validateOnly: boolean;
}

export const createPartitionsRequest: MessageTable<CreatePartitionsRequest> = {
  name: "CreatePartitionsRequest",
  validVersions: "0-3",
  flexibleVersions: "2+",
  fields: {
    topics: { type: { arrayOf: { struct: createPartitionsTopic } }, versions: "0+" },
    timeoutMs: { type: "int32", versions: "0+" },
    validateOnly: { type: "bool", versions: "0+" },
  },
};

export interface CreatePartitionsTopicResult {
  readonly name: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const createPartitionsTopicResult: StructTable<CreatePartitionsTopicResult> = {
  name: { type: "string", versions: "0+" },
  errorCode: { type: "int16", versions: "0+" },
  errorMessage: { type: "string", versions: "0+", nullableVersions: "0+", default: null },
};

export interface CreatePartitionsResponse {
  readonly throttleTimeMs: number;
  readonly results: readonly CreatePartitionsTopicResult[];
}

export const createPartitionsResponse: MessageTable<CreatePartitionsResponse> = {
  name: "CreatePartitionsResponse",
  validVersions: "0-3",
  flexibleVersions: "2+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    results: { type: { arrayOf: { struct: createPartitionsTopicResult } }, versions: "0+" },
  },
};

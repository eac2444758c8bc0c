// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface DeleteTopicState {
  readonly name: string | null;
  readonly topicId: string;
}

const deleteTopicState: StructTable<DeleteTopicState> = {
  name: { type: "string", versions: "6+", nullableVersions: "6+", default: null },
  topicId: { type: "uuid", versions: "6+" },
};

export interface DeleteTopicsRequest {
  readonly topics: readonly DeleteTopicState[];
  readonly topicNames: readonly string[];
  readonly timeoutMs: number;
}

export const deleteTopicsRequest: MessageTable<DeleteTopicsRequest> = {
  name: "DeleteTopicsRequest",
  validVersions: "1-6",
  flexibleVersions: "4+",
  fields: {
    topics: { type: { arrayOf: { struct: deleteTopicState } }, versions: "6+" },
    topicNames: { type: { arrayOf: "string" }, versions: "0-5", ignorable: true },
    timeoutMs: { type: "int32", versions: "0+" },
  },
};

export interface DeletableTopicResult {
  readonly name: string | null;
  readonly topicId: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const deletableTopicResult: StructTable<DeletableTopicResult> = {
  name: { type: "string", versions: "0+", nullableVersions: "6+" },
  topicId: { type: "uuid", versions: "6+", ignorable: true },
  errorCode: { type: "int16", versions: "0+" },
  errorMessage: {
    type: "string",
    versions: "5+",
    nullableVersions: "5+",
    default: null,
    ignorable: true,
  },
};

export interface DeleteTopicsResponse {
  readonly throttleTimeMs: number;
  readonly responses: readonly DeletableTopicResult[];
}

export const deleteTopicsResponse: MessageTable<DeleteTopicsResponse> = {
  name: "DeleteTopicsResponse",
  validVersions: "1-6",
  flexibleVersions: "4+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "1+", ignorable: true },
    responses: { type: { arrayOf: { struct: deletableTopicResult } }, versions: "0+" },
  },
};

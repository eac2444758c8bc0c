// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface DeleteGroupsRequest {
  readonly groupsNames: readonly string[];
}

export const deleteGroupsRequest: MessageTable<DeleteGroupsRequest> = {
  name: "DeleteGroupsRequest",
  validVersions: "0-2",
  flexibleVersions: "2+",
  fields: {
    groupsNames: { type: { arrayOf: "string" }, versions: "0+" },
  },
};

export interface DeletableGroupResult {
  readonly groupId: string;
  readonly errorCode: number;
}

const deletableGroupResult: StructTable<DeletableGroupResult> = {
  groupId: { type: "string", versions: "0+" },
  errorCode: { type: "int16", versions: "0+" },
};

export interface DeleteGroupsResponse {
  readonly throttleTimeMs: number;
  readonly results: readonly DeletableGroupResult[];
}

export const deleteGroupsResponse: MessageTable<DeleteGroupsResponse> = {
  name: "DeleteGroupsResponse",
  validVersions: "0-2",
  flexibleVersions: "2+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    results: { type: { arrayOf: { struct: deletableGroupResult } }, versions: "0+" },
  },
};

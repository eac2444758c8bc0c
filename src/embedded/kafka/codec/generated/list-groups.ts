// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface ListGroupsRequest {
  readonly statesFilter: readonly string[];
  readonly typesFilter: readonly string[];
}

export const listGroupsRequest: MessageTable<ListGroupsRequest> = {
  name: "ListGroupsRequest",
  validVersions: "0-5",
  flexibleVersions: "3+",
  fields: {
    statesFilter: { type: { arrayOf: "string" }, versions: "4+" },
    typesFilter: { type: { arrayOf: "string" }, versions: "5+" },
  },
};

export interface ListedGroup {
  readonly groupId: string;
  readonly protocolType: string;
  readonly groupState: string;
  readonly groupType: string;
}

const listedGroup: StructTable<ListedGroup> = {
  groupId: { type: "string", versions: "0+" },
  protocolType: { type: "string", versions: "0+" },
  groupState: { type: "string", versions: "4+", ignorable: true },
  groupType: { type: "string", versions: "5+", ignorable: true },
};

export interface ListGroupsResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly groups: readonly ListedGroup[];
}

export const listGroupsResponse: MessageTable<ListGroupsResponse> = {
  name: "ListGroupsResponse",
  validVersions: "0-5",
  flexibleVersions: "3+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "1+", ignorable: true },
    errorCode: { type: "int16", versions: "0+" },
    groups: { type: { arrayOf: { struct: listedGroup } }, versions: "0+" },
  },
};

// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface DescribeGroupsRequest {
  readonly groups: readonly string[];
  readonly includeAuthorizedOperations: boolean;
}

export const describeGroupsRequest: MessageTable<DescribeGroupsRequest> = {
  name: "DescribeGroupsRequest",
  validVersions: "0-6",
  flexibleVersions: "5+",
  fields: {
    groups: { type: { arrayOf: "string" }, versions: "0+" },
    includeAuthorizedOperations: { type: "bool", versions: "3+" },
  },
};

export interface DescribedGroupMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly memberMetadata: Buffer;
  readonly memberAssignment: Buffer;
}

const describedGroupMember: StructTable<DescribedGroupMember> = {
  memberId: { type: "string", versions: "0+" },
  groupInstanceId: {
    type: "string",
    versions: "4+",
    nullableVersions: "4+",
    default: null,
    ignorable: true,
  },
  clientId: { type: "string", versions: "0+" },
  clientHost: { type: "string", versions: "0+" },
  memberMetadata: { type: "bytes", versions: "0+" },
  memberAssignment: { type: "bytes", versions: "0+" },
};

export interface DescribedGroup {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly groupId: string;
  readonly groupState: string;
  readonly protocolType: string;
  readonly protocolData: string;
  readonly members: readonly DescribedGroupMember[];
  readonly authorizedOperations: number;
}

const describedGroup: StructTable<DescribedGroup> = {
  errorCode: { type: "int16", versions: "0+" },
  errorMessage: { type: "string", versions: "6+", nullableVersions: "6+", default: null },
  groupId: { type: "string", versions: "0+" },
  groupState: { type: "string", versions: "0+" },
  protocolType: { type: "string", versions: "0+" },
  protocolData: { type: "string", versions: "0+" },
  members: { type: { arrayOf: { struct: describedGroupMember } }, versions: "0+" },
  authorizedOperations: { type: "int32", versions: "3+", default: -2147483648 },
};

export interface DescribeGroupsResponse {
  readonly throttleTimeMs: number;
  readonly groups: readonly DescribedGroup[];
}

export const describeGroupsResponse: MessageTable<DescribeGroupsResponse> = {
  name: "DescribeGroupsResponse",
  validVersions: "0-6",
  flexibleVersions: "5+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "1+", ignorable: true },
    groups: { type: { arrayOf: { struct: describedGroup } }, versions: "0+" },
  },
};

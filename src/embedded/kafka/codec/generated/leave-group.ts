// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface MemberIdentity {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly reason: string | null;
}

const memberIdentity: StructTable<MemberIdentity> = {
  memberId: { type: "string", versions: "3+" },
  groupInstanceId: { type: "string", versions: "3+", nullableVersions: "3+", default: null },
  reason: {
    type: "string",
    versions: "5+",
    nullableVersions: "5+",
    default: null,
    ignorable: true,
  },
};

export interface LeaveGroupRequest {
  readonly groupId: string;
  readonly memberId: string;
  readonly members: readonly MemberIdentity[];
}

export const leaveGroupRequest: MessageTable<LeaveGroupRequest> = {
  name: "LeaveGroupRequest",
  validVersions: "0-5",
  flexibleVersions: "4+",
  fields: {
    groupId: { type: "string", versions: "0+" },
    memberId: { type: "string", versions: "0-2" },
    members: { type: { arrayOf: { struct: memberIdentity } }, versions: "3+" },
  },
};

export interface MemberResponse {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly errorCode: number;
}

const memberResponse: StructTable<MemberResponse> = {
  memberId: { type: "string", versions: "3+" },
  groupInstanceId: { type: "string", versions: "3+", nullableVersions: "3+" },
  errorCode: { type: "int16", versions: "3+" },
};

export interface LeaveGroupResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly members: readonly MemberResponse[];
}

export const leaveGroupResponse: MessageTable<LeaveGroupResponse> = {
  name: "LeaveGroupResponse",
  validVersions: "0-5",
  flexibleVersions: "4+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "1+", ignorable: true },
    errorCode: { type: "int16", versions: "0+" },
    members: { type: { arrayOf: { struct: memberResponse } }, versions: "3+" },
  },
};

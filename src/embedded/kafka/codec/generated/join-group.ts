// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface JoinGroupRequestProtocol {
  readonly name: string;
  readonly metadata: Buffer;
}

const joinGroupRequestProtocol: StructTable<JoinGroupRequestProtocol> = {
  name: { type: "string", versions: "0+" },
  metadata: { type: "bytes", versions: "0+" },
};

export interface JoinGroupRequest {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly protocolType: string;
  readonly protocols: readonly JoinGroupRequestProtocol[];
  readonly reason: string | null;
}

export const joinGroupRequest: MessageTable<JoinGroupRequest> = {
  name: "JoinGroupRequest",
  validVersions: "0-9",
  flexibleVersions: "6+",
  fields: {
    groupId: { type: "string", versions: "0+" },
    sessionTimeoutMs: { type: "int32", versions: "0+" },
    rebalanceTimeoutMs: { type: "int32", versions: "1+", default: -1, ignorable: true },
    memberId: { type: "string", versions: "0+" },
    groupInstanceId: { type: "string", versions: "5+", nullableVersions: "5+", default: null },
    protocolType: { type: "string", versions: "0+" },
    protocols: { type: { arrayOf: { struct: joinGroupRequestProtocol } }, versions: "0+" },
    reason: {
      type: "string",
      versions: "8+",
      nullableVersions: "8+",
      default: null,
      ignorable: true,
    },
  },
};

export interface JoinGroupResponseMember {
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly metadata: Buffer;
}

const joinGroupResponseMember: StructTable<JoinGroupResponseMember> = {
  memberId: { type: "string", versions: "0+" },
  groupInstanceId: {
    type: "string",
    versions: "5+",
    nullableVersions: "5+",
    default: null,
    ignorable: true,
  },
  metadata: { type: "bytes", versions: "0+" },
};

export interface JoinGroupResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly generationId: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leader: string;
  readonly skipAssignment: boolean;
  readonly memberId: string;
  readonly members: readonly JoinGroupResponseMember[];
}

export const joinGroupResponse: MessageTable<JoinGroupResponse> = {
  name: "JoinGroupResponse",
  validVersions: "0-9",
  flexibleVersions: "6+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "2+", ignorable: true },
    errorCode: { type: "int16", versions: "0+" },
    generationId: { type: "int32", versions: "0+", default: -1 },
    protocolType: {
      type: "string",
      versions: "7+",
      nullableVersions: "7+",
      default: null,
      ignorable: true,
    },
    protocolName: { type: "string", versions: "0+", nullableVersions: "7+" },
    leader: { type: "string", versions: "0+" },
    skipAssignment: { type: "bool", versions: "9+" },
    memberId: { type: "string", versions: "0+" },
    members: { type: { arrayOf: { struct: joinGroupResponseMember } }, versions: "0+" },
  },
};

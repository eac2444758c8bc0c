// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface SyncGroupRequestAssignment {
  readonly memberId: string;
  readonly assignment: Buffer;
}

const syncGroupRequestAssignment: StructTable<SyncGroupRequestAssignment> = {
  memberId: { type: "string", versions: "0+" },
  assignment: { type: "bytes", versions: "0+" },
};

export interface SyncGroupRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignments: readonly SyncGroupRequestAssignment[];
}

export const syncGroupRequest: MessageTable<SyncGroupRequest> = {
  name: "SyncGroupRequest",
  validVersions: "0-5",
  flexibleVersions: "4+",
  fields: {
    groupId: { type: "string", versions: "0+" },
    generationId: { type: "int32", versions: "0+" },
    memberId: { type: "string", versions: "0+" },
    groupInstanceId: { type: "string", versions: "3+", nullableVersions: "3+", default: null },
    protocolType: {
      type: "string",
      versions: "5+",
      nullableVersions: "5+",
      default: null,
      ignorable: true,
    },
    protocolName: {
      type: "string",
      versions: "5+",
      nullableVersions: "5+",
      default: null,
      ignorable: true,
    },
    assignments: { type: { arrayOf: { struct: syncGroupRequestAssignment } }, versions: "0+" },
  },
};

export interface SyncGroupResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly assignment: Buffer;
}

export const syncGroupResponse: MessageTable<SyncGroupResponse> = {
  name: "SyncGroupResponse",
  validVersions: "0-5",
  flexibleVersions: "4+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "1+", ignorable: true },
    errorCode: { type: "int16", versions: "0+" },
    protocolType: {
      type: "string",
      versions: "5+",
      nullableVersions: "5+",
      default: null,
      ignorable: true,
    },
    protocolName: {
      type: "string",
      versions: "5+",
      nullableVersions: "5+",
      default: null,
      ignorable: true,
    },
    assignment: { type: "bytes", versions: "0+" },
  },
};

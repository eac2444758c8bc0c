// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable } from "../message-table.ts";

export interface HeartbeatRequest {
  readonly groupId: string;
  readonly generationId: number;
  readonly memberId: string;
  readonly groupInstanceId: string | null;
}

export const heartbeatRequest: MessageTable<HeartbeatRequest> = {
  name: "HeartbeatRequest",
  validVersions: "0-4",
  flexibleVersions: "4+",
  fields: {
    groupId: { type: "string", versions: "0+" },
    generationId: { type: "int32", versions: "0+" },
    memberId: { type: "string", versions: "0+" },
    groupInstanceId: { type: "string", versions: "3+", nullableVersions: "3+", default: null },
  },
};

export interface HeartbeatResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
}

export const heartbeatResponse: MessageTable<HeartbeatResponse> = {
  name: "HeartbeatResponse",
  validVersions: "0-4",
  flexibleVersions: "4+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "1+", ignorable: true },
    errorCode: { type: "int16", versions: "0+" },
  },
};

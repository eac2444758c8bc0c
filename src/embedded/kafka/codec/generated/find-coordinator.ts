// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface FindCoordinatorRequest {
  readonly key: string;
  readonly keyType: number;
  readonly coordinatorKeys: readonly string[];
}

export const findCoordinatorRequest: MessageTable<FindCoordinatorRequest> = {
  name: "FindCoordinatorRequest",
  validVersions: "0-6",
  flexibleVersions: "3+",
  fields: {
    key: { type: "string", versions: "0-3" },
    keyType: { type: "int8", versions: "1+" },
    coordinatorKeys: { type: { arrayOf: "string" }, versions: "4+" },
  },
};

export interface Coordinator {
  readonly key: string;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

const coordinator: StructTable<Coordinator> = {
  key: { type: "string", versions: "4+" },
  nodeId: { type: "int32", versions: "4+" },
  host: { type: "string", versions: "4+" },
  port: { type: "int32", versions: "4+" },
  errorCode: { type: "int16", versions: "4+" },
  errorMessage: { type: "string", versions: "4+", nullableVersions: "4+", ignorable: true },
};

export interface FindCoordinatorResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly coordinators: readonly Coordinator[];
}

export const findCoordinatorResponse: MessageTable<FindCoordinatorResponse> = {
  name: "FindCoordinatorResponse",
  validVersions: "0-6",
  flexibleVersions: "3+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "1+", ignorable: true },
    errorCode: { type: "int16", versions: "0-3" },
    errorMessage: { type: "string", versions: "1-3", nullableVersions: "1-3", ignorable: true },
    nodeId: { type: "int32", versions: "0-3" },
    host: { type: "string", versions: "0-3" },
    port: { type: "int32", versions: "0-3" },
    coordinators: { type: { arrayOf: { struct: coordinator } }, versions: "4+" },
  },
};

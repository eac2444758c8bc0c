// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable } from "../message-table.ts";

export interface RequestHeader {
  readonly requestApiKey: number;
  readonly requestApiVersion: number;
  readonly correlationId: number;
  readonly clientId: string | null;
}

export const requestHeader: MessageTable<RequestHeader> = {
  name: "RequestHeader",
  validVersions: "1-2",
  flexibleVersions: "2+",
  fields: {
    requestApiKey: { type: "int16", versions: "0+" },
    requestApiVersion: { type: "int16", versions: "0+" },
    correlationId: { type: "int32", versions: "0+" },
    clientId: { type: "string", versions: "1+", nullableVersions: "1+", flexibleVersions: "none" },
  },
};

export interface ResponseHeader {
  readonly correlationId: number;
}

export const responseHeader: MessageTable<ResponseHeader> = {
  name: "ResponseHeader",
  validVersions: "0-1",
  flexibleVersions: "1+",
  fields: {
    correlationId: { type: "int32", versions: "0+" },
  },
};

// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable } from "../message-table.ts";

export interface SaslHandshakeRequest {
  readonly mechanism: string;
}

export const saslHandshakeRequest: MessageTable<SaslHandshakeRequest> = {
  name: "SaslHandshakeRequest",
  validVersions: "0-1",
  flexibleVersions: "none",
  fields: {
    mechanism: { type: "string", versions: "0+" },
  },
};

export interface SaslHandshakeResponse {
  readonly errorCode: number;
  readonly mechanisms: readonly string[];
}

export const saslHandshakeResponse: MessageTable<SaslHandshakeResponse> = {
  name: "SaslHandshakeResponse",
  validVersions: "0-1",
  flexibleVersions: "none",
  fields: {
    errorCode: { type: "int16", versions: "0+" },
    mechanisms: { type: { arrayOf: "string" }, versions: "0+" },
  },
};

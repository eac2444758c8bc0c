// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable } from "../message-table.ts";

export interface SaslAuthenticateRequest {
  readonly authBytes: Buffer;
}

export const saslAuthenticateRequest: MessageTable<SaslAuthenticateRequest> = {
  name: "SaslAuthenticateRequest",
  validVersions: "0-2",
  flexibleVersions: "2+",
  fields: {
    authBytes: { type: "bytes", versions: "0+" },
  },
};

export interface SaslAuthenticateResponse {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly authBytes: Buffer;
  readonly sessionLifetimeMs: number;
}

export const saslAuthenticateResponse: MessageTable<SaslAuthenticateResponse> = {
  name: "SaslAuthenticateResponse",
  validVersions: "0-2",
  flexibleVersions: "2+",
  fields: {
    errorCode: { type: "int16", versions: "0+" },
    errorMessage: { type: "string", versions: "0+", nullableVersions: "0+" },
    authBytes: { type: "bytes", versions: "0+" },
    sessionLifetimeMs: { type: "int64", versions: "1+", ignorable: true },
  },
};

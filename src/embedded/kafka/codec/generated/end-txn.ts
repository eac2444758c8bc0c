// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable } from "../message-table.ts";

export interface EndTxnRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly committed: boolean;
}

export const endTxnRequest: MessageTable<EndTxnRequest> = {
  name: "EndTxnRequest",
  validVersions: "0-5",
  flexibleVersions: "3+",
  fields: {
    transactionalId: { type: "string", versions: "0+" },
    producerId: { type: "int64", versions: "0+" },
    producerEpoch: { type: "int16", versions: "0+" },
    committed: { type: "bool", versions: "0+" },
  },
};

export interface EndTxnResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly producerId: number;
  readonly producerEpoch: number;
}

export const endTxnResponse: MessageTable<EndTxnResponse> = {
  name: "EndTxnResponse",
  validVersions: "0-5",
  flexibleVersions: "3+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    errorCode: { type: "int16", versions: "0+" },
    producerId: { type: "int64", versions: "5+", default: -1, ignorable: true },
    producerEpoch: { type: "int16", versions: "5+", default: -1, ignorable: true },
  },
};

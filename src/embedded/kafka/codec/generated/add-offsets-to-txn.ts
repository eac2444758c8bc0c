// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable } from "../message-table.ts";

export interface AddOffsetsToTxnRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly groupId: string;
}

export const addOffsetsToTxnRequest: MessageTable<AddOffsetsToTxnRequest> = {
  name: "AddOffsetsToTxnRequest",
  validVersions: "0-4",
  flexibleVersions: "3+",
  fields: {
    transactionalId: { type: "string", versions: "0+" },
    producerId: { type: "int64", versions: "0+" },
    producerEpoch: { type: "int16", versions: "0+" },
    groupId: { type: "string", versions: "0+" },
  },
};

export interface AddOffsetsToTxnResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
}

export const addOffsetsToTxnResponse: MessageTable<AddOffsetsToTxnResponse> = {
  name: "AddOffsetsToTxnResponse",
  validVersions: "0-4",
  flexibleVersions: "3+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    errorCode: { type: "int16", versions: "0+" },
  },
};

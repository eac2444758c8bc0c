// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable } from "../message-table.ts";

export interface InitProducerIdRequest {
  readonly transactionalId: string | null;
  readonly transactionTimeoutMs: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly enable2Pc: boolean;
  readonly keepPreparedTxn: boolean;
}

export const initProducerIdRequest: MessageTable<InitProducerIdRequest> = {
  name: "InitProducerIdRequest",
  validVersions: "0-6",
  flexibleVersions: "2+",
  fields: {
    transactionalId: { type: "string", versions: "0+", nullableVersions: "0+" },
    transactionTimeoutMs: { type: "int32", versions: "0+" },
    producerId: { type: "int64", versions: "3+", default: -1 },
    producerEpoch: { type: "int16", versions: "3+", default: -1 },
    enable2Pc: { type: "bool", versions: "6+" },
    keepPreparedTxn: { type: "bool", versions: "6+" },
  },
};

export interface InitProducerIdResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly ongoingTxnProducerId: number;
  readonly ongoingTxnProducerEpoch: number;
}

export const initProducerIdResponse: MessageTable<InitProducerIdResponse> = {
  name: "InitProducerIdResponse",
  validVersions: "0-6",
  flexibleVersions: "2+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+", ignorable: true },
    errorCode: { type: "int16", versions: "0+" },
    producerId: { type: "int64", versions: "0+", default: -1 },
    producerEpoch: { type: "int16", versions: "0+" },
    ongoingTxnProducerId: { type: "int64", versions: "6+", default: -1 },
    ongoingTxnProducerEpoch: { type: "int16", versions: "6+", default: -1 },
  },
};

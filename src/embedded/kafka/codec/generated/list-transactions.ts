// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface ListTransactionsRequest {
  readonly stateFilters: readonly string[];
  readonly producerIdFilters: readonly number[];
  readonly durationFilter: number;
  readonly transactionalIdPattern: string | null;
}

export const listTransactionsRequest: MessageTable<ListTransactionsRequest> = {
  name: "ListTransactionsRequest",
  validVersions: "0-2",
  flexibleVersions: "0+",
  fields: {
    stateFilters: { type: { arrayOf: "string" }, versions: "0+" },
    producerIdFilters: { type: { arrayOf: "int64" }, versions: "0+" },
    durationFilter: { type: "int64", versions: "1+", default: -1, saturating: true },
    transactionalIdPattern: {
      type: "string",
      versions: "2+",
      nullableVersions: "2+",
      default: null,
    },
  },
};

export interface TransactionState {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly transactionState: string;
}

const transactionState: StructTable<TransactionState> = {
  transactionalId: { type: "string", versions: "0+" },
  producerId: { type: "int64", versions: "0+" },
  transactionState: { type: "string", versions: "0+" },
};

export interface ListTransactionsResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly unknownStateFilters: readonly string[];
  readonly transactionStates: readonly TransactionState[];
}

export const listTransactionsResponse: MessageTable<ListTransactionsResponse> = {
  name: "ListTransactionsResponse",
  validVersions: "0-2",
  flexibleVersions: "0+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    errorCode: { type: "int16", versions: "0+" },
    unknownStateFilters: { type: { arrayOf: "string" }, versions: "0+" },
    transactionStates: { type: { arrayOf: { struct: transactionState } }, versions: "0+" },
  },
};

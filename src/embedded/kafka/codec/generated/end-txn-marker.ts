// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable } from "../message-table.ts";

export interface EndTxnMarker {
  readonly coordinatorEpoch: number;
}

export const endTxnMarker: MessageTable<EndTxnMarker> = {
  name: "EndTxnMarker",
  validVersions: "0",
  flexibleVersions: "none",
  fields: {
    coordinatorEpoch: { type: "int32", versions: "0+" },
  },
};

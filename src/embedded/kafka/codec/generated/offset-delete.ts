// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface OffsetDeleteRequestPartition {
  readonly partitionIndex: number;
}

const offsetDeleteRequestPartition: StructTable<OffsetDeleteRequestPartition> = {
  partitionIndex: { type: "int32", versions: "0+" },
};

export interface OffsetDeleteRequestTopic {
  readonly name: string;
  readonly partitions: readonly OffsetDeleteRequestPartition[];
}

const offsetDeleteRequestTopic: StructTable<OffsetDeleteRequestTopic> = {
  name: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: { struct: offsetDeleteRequestPartition } }, versions: "0+" },
};

export interface OffsetDeleteRequest {
  readonly groupId: string;
  readonly topics: readonly OffsetDeleteRequestTopic[];
}

export const offsetDeleteRequest: MessageTable<OffsetDeleteRequest> = {
  name: "OffsetDeleteRequest",
  validVersions: "0",
  flexibleVersions: "none",
  fields: {
    groupId: { type: "string", versions: "0+" },
    topics: { type: { arrayOf: { struct: offsetDeleteRequestTopic } }, versions: "0+" },
  },
};

export interface OffsetDeleteResponsePartition {
  readonly partitionIndex: number;
  readonly errorCode: number;
}

const offsetDeleteResponsePartition: StructTable<OffsetDeleteResponsePartition> = {
  partitionIndex: { type: "int32", versions: "0+" },
  errorCode: { type: "int16", versions: "0+" },
};

export interface OffsetDeleteResponseTopic {
  readonly name: string;
  readonly partitions: readonly OffsetDeleteResponsePartition[];
}

const offsetDeleteResponseTopic: StructTable<OffsetDeleteResponseTopic> = {
  name: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: { struct: offsetDeleteResponsePartition } }, versions: "0+" },
};

export interface OffsetDeleteResponse {
  readonly errorCode: number;
  readonly throttleTimeMs: number;
  readonly topics: readonly OffsetDeleteResponseTopic[];
}

export const offsetDeleteResponse: MessageTable<OffsetDeleteResponse> = {
  name: "OffsetDeleteResponse",
  validVersions: "0",
  flexibleVersions: "none",
  fields: {
    errorCode: { type: "int16", versions: "0+" },
    throttleTimeMs: { type: "int32", versions: "0+", ignorable: true },
    topics: { type: { arrayOf: { struct: offsetDeleteResponseTopic } }, versions: "0+" },
  },
};

// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface ConsumerProtocolSubscriptionTopicPartition {
  readonly topic: string;
  readonly partitions: readonly number[];
}

const consumerProtocolSubscriptionTopicPartition: StructTable<ConsumerProtocolSubscriptionTopicPartition> =
  {
    topic: { type: "string", versions: "1+" },
    partitions: { type: { arrayOf: "int32" }, versions: "1+" },
  };

export interface ConsumerProtocolSubscription {
  readonly topics: readonly string[];
  readonly userData: Buffer | null;
  readonly ownedPartitions: readonly ConsumerProtocolSubscriptionTopicPartition[];
  readonly generationId: number;
  readonly rackId: string | null;
}

export const consumerProtocolSubscription: MessageTable<ConsumerProtocolSubscription> = {
  name: "ConsumerProtocolSubscription",
  validVersions: "0-3",
  flexibleVersions: "none",
  fields: {
    topics: { type: { arrayOf: "string" }, versions: "0+" },
    userData: { type: "bytes", versions: "0+", nullableVersions: "0+", default: null },
    ownedPartitions: {
      type: { arrayOf: { struct: consumerProtocolSubscriptionTopicPartition } },
      versions: "1+",
      ignorable: true,
    },
    generationId: { type: "int32", versions: "2+", default: -1, ignorable: true },
    rackId: {
      type: "string",
      versions: "3+",
      nullableVersions: "3+",
      default: null,
      ignorable: true,
    },
  },
};

export interface ConsumerProtocolAssignmentTopicPartition {
  readonly topic: string;
  readonly partitions: readonly number[];
}

const consumerProtocolAssignmentTopicPartition: StructTable<ConsumerProtocolAssignmentTopicPartition> =
  {
    topic: { type: "string", versions: "0+" },
    partitions: { type: { arrayOf: "int32" }, versions: "0+" },
  };

export interface ConsumerProtocolAssignment {
  readonly assignedPartitions: readonly ConsumerProtocolAssignmentTopicPartition[];
  readonly userData: Buffer | null;
}

export const consumerProtocolAssignment: MessageTable<ConsumerProtocolAssignment> = {
  name: "ConsumerProtocolAssignment",
  validVersions: "0-3",
  flexibleVersions: "none",
  fields: {
    assignedPartitions: {
      type: { arrayOf: { struct: consumerProtocolAssignmentTopicPartition } },
      versions: "0+",
    },
    userData: { type: "bytes", versions: "0+", nullableVersions: "0+", default: null },
  },
};

// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface DescribableLogDirTopic {
  readonly topic: string;
  readonly partitions: readonly number[];
}

const describableLogDirTopic: StructTable<DescribableLogDirTopic> = {
  topic: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: "int32" }, versions: "0+" },
};

export interface DescribeLogDirsRequest {
  readonly topics: readonly DescribableLogDirTopic[] | null;
}

export const describeLogDirsRequest: MessageTable<DescribeLogDirsRequest> = {
  name: "DescribeLogDirsRequest",
  validVersions: "1-5",
  flexibleVersions: "2+",
  fields: {
    topics: {
      type: { arrayOf: { struct: describableLogDirTopic } },
      versions: "0+",
      nullableVersions: "0+",
    },
  },
};

export interface DescribeLogDirsPartition {
  readonly partitionIndex: number;
  readonly partitionSize: number;
  readonly offsetLag: number;
  readonly isFutureKey: boolean;
}

const describeLogDirsPartition: StructTable<DescribeLogDirsPartition> = {
  partitionIndex: { type: "int32", versions: "0+" },
  partitionSize: { type: "int64", versions: "0+" },
  offsetLag: { type: "int64", versions: "0+" },
  isFutureKey: { type: "bool", versions: "0+" },
};

export interface DescribeLogDirsTopic {
  readonly name: string;
  readonly partitions: readonly DescribeLogDirsPartition[];
}

const describeLogDirsTopic: StructTable<DescribeLogDirsTopic> = {
  name: { type: "string", versions: "0+" },
  partitions: { type: { arrayOf: { struct: describeLogDirsPartition } }, versions: "0+" },
};

export interface DescribeLogDirsResult {
  readonly errorCode: number;
  readonly logDir: string;
  readonly topics: readonly DescribeLogDirsTopic[];
  readonly totalBytes: number;
  readonly usableBytes: number;
  readonly isCordoned: boolean;
}

const describeLogDirsResult: StructTable<DescribeLogDirsResult> = {
  errorCode: { type: "int16", versions: "0+" },
  logDir: { type: "string", versions: "0+" },
  topics: { type: { arrayOf: { struct: describeLogDirsTopic } }, versions: "0+" },
  totalBytes: { type: "int64", versions: "4+", default: -1, ignorable: true },
  usableBytes: { type: "int64", versions: "4+", default: -1, ignorable: true },
  isCordoned: { type: "bool", versions: "5+", ignorable: true },
};

export interface DescribeLogDirsResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly results: readonly DescribeLogDirsResult[];
}

export const describeLogDirsResponse: MessageTable<DescribeLogDirsResponse> = {
  name: "DescribeLogDirsResponse",
  validVersions: "1-5",
  flexibleVersions: "2+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    errorCode: { type: "int16", versions: "3+", ignorable: true },
    results: { type: { arrayOf: { struct: describeLogDirsResult } }, versions: "0+" },
  },
};

// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface DescribeClusterRequest {
  readonly includeClusterAuthorizedOperations: boolean;
  readonly endpointType: number;
  readonly includeFencedBrokers: boolean;
}

export const describeClusterRequest: MessageTable<DescribeClusterRequest> = {
  name: "DescribeClusterRequest",
  validVersions: "0-2",
  flexibleVersions: "0+",
  fields: {
    includeClusterAuthorizedOperations: { type: "bool", versions: "0+" },
    endpointType: { type: "int8", versions: "1+", default: 1 },
    includeFencedBrokers: { type: "bool", versions: "2+" },
  },
};

export interface DescribeClusterBroker {
  readonly brokerId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
  readonly isFenced: boolean;
}

const describeClusterBroker: StructTable<DescribeClusterBroker> = {
  brokerId: { type: "int32", versions: "0+" },
  host: { type: "string", versions: "0+" },
  port: { type: "int32", versions: "0+" },
  rack: { type: "string", versions: "0+", nullableVersions: "0+", default: null },
  isFenced: { type: "bool", versions: "2+" },
};

export interface DescribeClusterResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly endpointType: number;
  readonly clusterId: string;
  readonly controllerId: number;
  readonly brokers: readonly DescribeClusterBroker[];
  readonly clusterAuthorizedOperations: number;
}

export const describeClusterResponse: MessageTable<DescribeClusterResponse> = {
  name: "DescribeClusterResponse",
  validVersions: "0-2",
  flexibleVersions: "0+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    errorCode: { type: "int16", versions: "0+" },
    errorMessage: { type: "string", versions: "0+", nullableVersions: "0+", default: null },
    endpointType: { type: "int8", versions: "1+", default: 1 },
    clusterId: { type: "string", versions: "0+" },
    controllerId: { type: "int32", versions: "0+", default: -1 },
    brokers: { type: { arrayOf: { struct: describeClusterBroker } }, versions: "0+" },
    clusterAuthorizedOperations: { type: "int32", versions: "0+", default: -2147483648 },
  },
};

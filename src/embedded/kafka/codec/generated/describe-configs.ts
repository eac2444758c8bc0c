// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface DescribeConfigsResource {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configurationKeys: readonly string[] | null;
}

const describeConfigsResource: StructTable<DescribeConfigsResource> = {
  resourceType: { type: "int8", versions: "0+" },
  resourceName: { type: "string", versions: "0+" },
  configurationKeys: { type: { arrayOf: "string" }, versions: "0+", nullableVersions: "0+" },
};

export interface DescribeConfigsRequest {
  readonly resources: readonly DescribeConfigsResource[];
  readonly includeSynonyms: boolean;
  readonly includeDocumentation: boolean;
}

export const describeConfigsRequest: MessageTable<DescribeConfigsRequest> = {
  name: "DescribeConfigsRequest",
  validVersions: "1-4",
  flexibleVersions: "4+",
  fields: {
    resources: { type: { arrayOf: { struct: describeConfigsResource } }, versions: "0+" },
    includeSynonyms: { type: "bool", versions: "1+" },
    includeDocumentation: { type: "bool", versions: "3+" },
  },
};

export interface DescribeConfigsSynonym {
  readonly name: string;
  readonly value: string | null;
  readonly source: number;
}

const describeConfigsSynonym: StructTable<DescribeConfigsSynonym> = {
  name: { type: "string", versions: "1+" },
  value: { type: "string", versions: "1+", nullableVersions: "0+" },
  source: { type: "int8", versions: "1+" },
};

export interface DescribeConfigsResourceResult {
  readonly name: string;
  readonly value: string | null;
  readonly readOnly: boolean;
  readonly configSource: number;
  readonly isSensitive: boolean;
  readonly synonyms: readonly DescribeConfigsSynonym[];
  readonly configType: number;
  readonly documentation: string | null;
}

const describeConfigsResourceResult: StructTable<DescribeConfigsResourceResult> = {
  name: { type: "string", versions: "0+" },
  value: { type: "string", versions: "0+", nullableVersions: "0+" },
  readOnly: { type: "bool", versions: "0+" },
  configSource: { type: "int8", versions: "1+", default: -1, ignorable: true },
  isSensitive: { type: "bool", versions: "0+" },
  synonyms: {
    type: { arrayOf: { struct: describeConfigsSynonym } },
    versions: "1+",
    ignorable: true,
  },
  configType: { type: "int8", versions: "3+", ignorable: true },
  documentation: { type: "string", versions: "3+", nullableVersions: "0+", ignorable: true },
};

export interface DescribeConfigsResult {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly DescribeConfigsResourceResult[];
}

const describeConfigsResult: StructTable<DescribeConfigsResult> = {
  errorCode: { type: "int16", versions: "0+" },
  errorMessage: { type: "string", versions: "0+", nullableVersions: "0+" },
  resourceType: { type: "int8", versions: "0+" },
  resourceName: { type: "string", versions: "0+" },
  configs: { type: { arrayOf: { struct: describeConfigsResourceResult } }, versions: "0+" },
};

export interface DescribeConfigsResponse {
  readonly throttleTimeMs: number;
  readonly results: readonly DescribeConfigsResult[];
}

export const describeConfigsResponse: MessageTable<DescribeConfigsResponse> = {
  name: "DescribeConfigsResponse",
  validVersions: "1-4",
  flexibleVersions: "4+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    results: { type: { arrayOf: { struct: describeConfigsResult } }, versions: "0+" },
  },
};

// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface AlterableConfig {
  readonly name: string;
  readonly configOperation: number;
  readonly value: string | null;
}

const alterableConfig: StructTable<AlterableConfig> = {
  name: { type: "string", versions: "0+" },
  configOperation: { type: "int8", versions: "0+" },
  value: { type: "string", versions: "0+", nullableVersions: "0+" },
};

export interface AlterConfigsResource {
  readonly resourceType: number;
  readonly resourceName: string;
  readonly configs: readonly AlterableConfig[];
}

const alterConfigsResource: StructTable<AlterConfigsResource> = {
  resourceType: { type: "int8", versions: "0+" },
  resourceName: { type: "string", versions: "0+" },
  configs: { type: { arrayOf: { struct: alterableConfig } }, versions: "0+" },
};

export interface IncrementalAlterConfigsRequest {
  readonly resources: readonly AlterConfigsResource[];
  readonly validateOnly: boolean;
}

export const incrementalAlterConfigsRequest: MessageTable<IncrementalAlterConfigsRequest> = {
  name: "IncrementalAlterConfigsRequest",
  validVersions: "0-1",
  flexibleVersions: "1+",
  fields: {
    resources: { type: { arrayOf: { struct: alterConfigsResource } }, versions: "0+" },
    validateOnly: { type: "bool", versions: "0+" },
  },
};

export interface AlterConfigsResourceResponse {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly resourceType: number;
  readonly resourceName: string;
}

const alterConfigsResourceResponse: StructTable<AlterConfigsResourceResponse> = {
  errorCode: { type: "int16", versions: "0+" },
  errorMessage: { type: "string", versions: "0+", nullableVersions: "0+" },
  resourceType: { type: "int8", versions: "0+" },
  resourceName: { type: "string", versions: "0+" },
};

export interface IncrementalAlterConfigsResponse {
  readonly throttleTimeMs: number;
  readonly responses: readonly AlterConfigsResourceResponse[];
}

export const incrementalAlterConfigsResponse: MessageTable<IncrementalAlterConfigsResponse> = {
  name: "IncrementalAlterConfigsResponse",
  validVersions: "0-1",
  flexibleVersions: "1+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    responses: { type: { arrayOf: { struct: alterConfigsResourceResponse } }, versions: "0+" },
  },
};

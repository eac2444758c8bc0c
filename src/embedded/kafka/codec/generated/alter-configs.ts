// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface AlterableConfig {
  readonly name: string;
  readonly value: string | null;
}

const alterableConfig: StructTable<AlterableConfig> = {
  name: { type: "string", versions: "0+" },
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

export interface AlterConfigsRequest {
  readonly resources: readonly AlterConfigsResource[];
  readonly validateOnly: boolean;
}

export const alterConfigsRequest: MessageTable<AlterConfigsRequest> = {
  name: "AlterConfigsRequest",
  validVersions: "0-2",
  flexibleVersions: "2+",
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

export interface AlterConfigsResponse {
  readonly throttleTimeMs: number;
  readonly responses: readonly AlterConfigsResourceResponse[];
}

export const alterConfigsResponse: MessageTable<AlterConfigsResponse> = {
  name: "AlterConfigsResponse",
  validVersions: "0-2",
  flexibleVersions: "2+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "0+" },
    responses: { type: { arrayOf: { struct: alterConfigsResourceResponse } }, versions: "0+" },
  },
};

// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface ApiVersionsRequest {
  readonly clientSoftwareName: string;
  readonly clientSoftwareVersion: string;
}

export const apiVersionsRequest: MessageTable<ApiVersionsRequest> = {
  name: "ApiVersionsRequest",
  validVersions: "0-4",
  flexibleVersions: "3+",
  fields: {
    clientSoftwareName: { type: "string", versions: "3+", ignorable: true },
    clientSoftwareVersion: { type: "string", versions: "3+", ignorable: true },
  },
};

export interface ApiVersion {
  readonly apiKey: number;
  readonly minVersion: number;
  readonly maxVersion: number;
}

const apiVersion: StructTable<ApiVersion> = {
  apiKey: { type: "int16", versions: "0+" },
  minVersion: { type: "int16", versions: "0+" },
  maxVersion: { type: "int16", versions: "0+" },
};

export interface SupportedFeatureKey {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
}

const supportedFeatureKey: StructTable<SupportedFeatureKey> = {
  name: { type: "string", versions: "3+" },
  minVersion: { type: "int16", versions: "3+" },
  maxVersion: { type: "int16", versions: "3+" },
};

export interface FinalizedFeatureKey {
  readonly name: string;
  readonly maxVersionLevel: number;
  readonly minVersionLevel: number;
}

const finalizedFeatureKey: StructTable<FinalizedFeatureKey> = {
  name: { type: "string", versions: "3+" },
  maxVersionLevel: { type: "int16", versions: "3+" },
  minVersionLevel: { type: "int16", versions: "3+" },
};

export interface ApiVersionsResponse {
  readonly errorCode: number;
  readonly apiKeys: readonly ApiVersion[];
  readonly throttleTimeMs: number;
  readonly supportedFeatures: readonly SupportedFeatureKey[];
  readonly finalizedFeaturesEpoch: number;
  readonly finalizedFeatures: readonly FinalizedFeatureKey[];
  readonly zkMigrationReady: boolean;
}

export const apiVersionsResponse: MessageTable<ApiVersionsResponse> = {
  name: "ApiVersionsResponse",
  validVersions: "0-4",
  flexibleVersions: "3+",
  fields: {
    errorCode: { type: "int16", versions: "0+" },
    apiKeys: { type: { arrayOf: { struct: apiVersion } }, versions: "0+" },
    throttleTimeMs: { type: "int32", versions: "1+", ignorable: true },
    supportedFeatures: {
      type: { arrayOf: { struct: supportedFeatureKey } },
      versions: "3+",
      tag: 0,
      ignorable: true,
    },
    finalizedFeaturesEpoch: { type: "int64", versions: "3+", tag: 1, default: -1, ignorable: true },
    finalizedFeatures: {
      type: { arrayOf: { struct: finalizedFeatureKey } },
      versions: "3+",
      tag: 2,
      ignorable: true,
    },
    zkMigrationReady: { type: "bool", versions: "3+", tag: 3, ignorable: true },
  },
};

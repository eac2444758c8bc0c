/**
 * Which APIs and versions the server speaks.
 *
 * Kafka's definitions say what could be spoken; this says what is. `advertisedMin` differs from `min`
 * where a client misreads an honest answer: older librdkafka takes a broker without Produce 0 for one
 * without compression and says nothing (KAFKA-18659); Kafka tells the same. Versions below `min` are
 * refused all the same. `docs/protocols.md` shows the table (`npm run protocols`).
 */

import { API_TABLES, type ApiName } from "./generated/apis.ts";

export interface ServedVersions {
  readonly min: number;
  readonly max: number;
  /** What ApiVersions says, where it is not `min`. */
  readonly advertisedMin?: number;
}

export const SERVED: { readonly [Name in ApiName]: ServedVersions } = {
  Produce: { min: 3, max: 13, advertisedMin: 0 },
  Fetch: { min: 4, max: 18 },
  ListOffsets: { min: 1, max: 11 },
  Metadata: { min: 0, max: 13 },
  OffsetCommit: { min: 2, max: 10 },
  OffsetFetch: { min: 1, max: 10 },
  FindCoordinator: { min: 0, max: 6 },
  JoinGroup: { min: 0, max: 9 },
  Heartbeat: { min: 0, max: 4 },
  LeaveGroup: { min: 0, max: 5 },
  SyncGroup: { min: 0, max: 5 },
  DescribeGroups: { min: 0, max: 6 },
  ListGroups: { min: 0, max: 5 },
  SaslHandshake: { min: 0, max: 1 },
  ApiVersions: { min: 0, max: 4 },
  CreateTopics: { min: 2, max: 7 },
  DeleteTopics: { min: 1, max: 6 },
  DeleteRecords: { min: 0, max: 2 },
  // Version 6 is not yet stable in Kafka 4.3.
  InitProducerId: { min: 0, max: 5 },
  OffsetForLeaderEpoch: { min: 2, max: 4 },
  AddPartitionsToTxn: { min: 0, max: 5 },
  AddOffsetsToTxn: { min: 0, max: 4 },
  EndTxn: { min: 0, max: 5 },
  TxnOffsetCommit: { min: 0, max: 5 },
  DescribeConfigs: { min: 1, max: 4 },
  AlterConfigs: { min: 0, max: 2 },
  DescribeLogDirs: { min: 1, max: 5 },
  SaslAuthenticate: { min: 0, max: 2 },
  CreatePartitions: { min: 0, max: 3 },
  DeleteGroups: { min: 0, max: 2 },
  IncrementalAlterConfigs: { min: 0, max: 1 },
  OffsetDelete: { min: 0, max: 0 },
  DescribeCluster: { min: 0, max: 2 },
  DescribeProducers: { min: 0, max: 0 },
  DescribeTransactions: { min: 0, max: 0 },
  ListTransactions: { min: 0, max: 2 },
  DescribeTopicPartitions: { min: 0, max: 0 },
};

const NAMES: ReadonlyMap<number, ApiName> = new Map(
  apiNames().map((name) => [API_TABLES[name].key, name]),
);

/** All APIs, by rising key. */
export function apiNames(): readonly ApiName[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the object has these keys and no others
  return Object.keys(API_TABLES) as ApiName[];
}

/** Undefined for a key that is not spoken here. */
export function apiOfKey(key: number): ApiName | undefined {
  return NAMES.get(key);
}

export function isServed(api: ApiName, version: number): boolean {
  const { min, max } = SERVED[api];
  return version >= min && version <= max;
}

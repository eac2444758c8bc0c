// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import type { MessageTable, StructTable } from "../message-table.ts";

export interface ReplicaState {
  readonly replicaId: number;
  readonly replicaEpoch: number;
}

const replicaState: StructTable<ReplicaState> = {
  replicaId: { type: "int32", versions: "15+", default: -1 },
  replicaEpoch: { type: "int64", versions: "15+", default: -1 },
};

export interface FetchPartition {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly logStartOffset: number;
  readonly partitionMaxBytes: number;
  readonly replicaDirectoryId: string;
  readonly highWatermark: number;
}

const fetchPartition: StructTable<FetchPartition> = {
  partition: { type: "int32", versions: "0+" },
  currentLeaderEpoch: { type: "int32", versions: "9+", default: -1, ignorable: true },
  fetchOffset: { type: "int64", versions: "0+", saturating: true },
  lastFetchedEpoch: { type: "int32", versions: "12+", default: -1 },
  logStartOffset: { type: "int64", versions: "5+", default: -1, ignorable: true },
  partitionMaxBytes: { type: "int32", versions: "0+" },
  replicaDirectoryId: { type: "uuid", versions: "17+", tag: 0, ignorable: true },
  highWatermark: {
    type: "int64",
    versions: "18+",
    tag: 1,
    default: Number.MAX_SAFE_INTEGER,
    ignorable: true,
    saturating: true,
  },
};

export interface FetchTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: readonly FetchPartition[];
}

const fetchTopic: StructTable<FetchTopic> = {
  topic: { type: "string", versions: "0-12", ignorable: true },
  topicId: { type: "uuid", versions: "13+", ignorable: true },
  partitions: { type: { arrayOf: { struct: fetchPartition } }, versions: "0+" },
};

export interface ForgottenTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: readonly number[];
}

const forgottenTopic: StructTable<ForgottenTopic> = {
  topic: { type: "string", versions: "7-12", ignorable: true },
  topicId: { type: "uuid", versions: "13+", ignorable: true },
  partitions: { type: { arrayOf: "int32" }, versions: "7+" },
};

export interface FetchRequest {
  readonly clusterId: string | null;
  readonly replicaId: number;
  readonly replicaState: ReplicaState;
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isolationLevel: number;
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly topics: readonly FetchTopic[];
  readonly forgottenTopicsData: readonly ForgottenTopic[];
  readonly rackId: string;
}

export const fetchRequest: MessageTable<FetchRequest> = {
  name: "FetchRequest",
  validVersions: "4-18",
  flexibleVersions: "12+",
  fields: {
    clusterId: {
      type: "string",
      versions: "12+",
      nullableVersions: "12+",
      tag: 0,
      default: null,
      ignorable: true,
    },
    replicaId: { type: "int32", versions: "0-14", default: -1 },
    replicaState: { type: { struct: replicaState }, versions: "15+", tag: 1 },
    maxWaitMs: { type: "int32", versions: "0+" },
    minBytes: { type: "int32", versions: "0+" },
    maxBytes: { type: "int32", versions: "3+", default: 2147483647, ignorable: true },
    isolationLevel: { type: "int8", versions: "4+", ignorable: true },
    sessionId: { type: "int32", versions: "7+", ignorable: true },
    sessionEpoch: { type: "int32", versions: "7+", default: -1, ignorable: true },
    topics: { type: { arrayOf: { struct: fetchTopic } }, versions: "0+" },
    forgottenTopicsData: { type: { arrayOf: { struct: forgottenTopic } }, versions: "7+" },
    rackId: { type: "string", versions: "11+", ignorable: true },
  },
};

export interface EpochEndOffset {
  readonly epoch: number;
  readonly endOffset: number;
}

const epochEndOffset: StructTable<EpochEndOffset> = {
  epoch: { type: "int32", versions: "12+", default: -1 },
  endOffset: { type: "int64", versions: "12+", default: -1 },
};

export interface LeaderIdAndEpoch {
  readonly leaderId: number;
  readonly leaderEpoch: number;
}

const leaderIdAndEpoch: StructTable<LeaderIdAndEpoch> = {
  leaderId: { type: "int32", versions: "12+", default: -1 },
  leaderEpoch: { type: "int32", versions: "12+", default: -1 },
};

export interface SnapshotId {
  readonly endOffset: number;
  readonly epoch: number;
}

const snapshotId: StructTable<SnapshotId> = {
  endOffset: { type: "int64", versions: "0+", default: -1 },
  epoch: { type: "int32", versions: "0+", default: -1 },
};

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

const abortedTransaction: StructTable<AbortedTransaction> = {
  producerId: { type: "int64", versions: "4+" },
  firstOffset: { type: "int64", versions: "4+" },
};

export interface PartitionData {
  readonly partitionIndex: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  readonly divergingEpoch: EpochEndOffset;
  readonly currentLeader: LeaderIdAndEpoch;
  readonly snapshotId: SnapshotId;
  readonly abortedTransactions: readonly AbortedTransaction[] | null;
  readonly preferredReadReplica: number;
  readonly records: Buffer | null;
}

const partitionData: StructTable<PartitionData> = {
  partitionIndex: { type: "int32", versions: "0+" },
  errorCode: { type: "int16", versions: "0+" },
  highWatermark: { type: "int64", versions: "0+" },
  lastStableOffset: { type: "int64", versions: "4+", default: -1, ignorable: true },
  logStartOffset: { type: "int64", versions: "5+", default: -1, ignorable: true },
  divergingEpoch: { type: { struct: epochEndOffset }, versions: "12+", tag: 0 },
  currentLeader: { type: { struct: leaderIdAndEpoch }, versions: "12+", tag: 1 },
  snapshotId: { type: { struct: snapshotId }, versions: "12+", tag: 2 },
  abortedTransactions: {
    type: { arrayOf: { struct: abortedTransaction } },
    versions: "4+",
    nullableVersions: "4+",
    ignorable: true,
  },
  preferredReadReplica: { type: "int32", versions: "11+", default: -1 },
  records: { type: "records", versions: "0+", nullableVersions: "0+", default: null },
};

export interface FetchableTopicResponse {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: readonly PartitionData[];
}

const fetchableTopicResponse: StructTable<FetchableTopicResponse> = {
  topic: { type: "string", versions: "0-12", ignorable: true },
  topicId: { type: "uuid", versions: "13+", ignorable: true },
  partitions: { type: { arrayOf: { struct: partitionData } }, versions: "0+" },
};

export interface NodeEndpoint {
  readonly nodeId: number;
  readonly host: string;
  readonly port: number;
  readonly rack: string | null;
}

const nodeEndpoint: StructTable<NodeEndpoint> = {
  nodeId: { type: "int32", versions: "16+" },
  host: { type: "string", versions: "16+" },
  port: { type: "int32", versions: "16+" },
  rack: { type: "string", versions: "16+", nullableVersions: "16+", default: null },
};

export interface FetchResponse {
  readonly throttleTimeMs: number;
  readonly errorCode: number;
  readonly sessionId: number;
  readonly responses: readonly FetchableTopicResponse[];
  readonly nodeEndpoints: readonly NodeEndpoint[];
}

export const fetchResponse: MessageTable<FetchResponse> = {
  name: "FetchResponse",
  validVersions: "4-18",
  flexibleVersions: "12+",
  fields: {
    throttleTimeMs: { type: "int32", versions: "1+", ignorable: true },
    errorCode: { type: "int16", versions: "7+", ignorable: true },
    sessionId: { type: "int32", versions: "7+" },
    responses: { type: { arrayOf: { struct: fetchableTopicResponse } }, versions: "0+" },
    nodeEndpoints: { type: { arrayOf: { struct: nodeEndpoint } }, versions: "16+", tag: 0 },
  },
};

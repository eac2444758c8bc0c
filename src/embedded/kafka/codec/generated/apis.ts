// Made by scripts/kafka-tables.ts from the message definitions of Apache Kafka; do not edit.

import {
  produceRequest,
  produceResponse,
  type ProduceRequest,
  type ProduceResponse,
} from "./produce.ts";
import { fetchRequest, fetchResponse, type FetchRequest, type FetchResponse } from "./fetch.ts";
import {
  listOffsetsRequest,
  listOffsetsResponse,
  type ListOffsetsRequest,
  type ListOffsetsResponse,
} from "./list-offsets.ts";
import {
  metadataRequest,
  metadataResponse,
  type MetadataRequest,
  type MetadataResponse,
} from "./metadata.ts";
import {
  offsetCommitRequest,
  offsetCommitResponse,
  type OffsetCommitRequest,
  type OffsetCommitResponse,
} from "./offset-commit.ts";
import {
  offsetFetchRequest,
  offsetFetchResponse,
  type OffsetFetchRequest,
  type OffsetFetchResponse,
} from "./offset-fetch.ts";
import {
  findCoordinatorRequest,
  findCoordinatorResponse,
  type FindCoordinatorRequest,
  type FindCoordinatorResponse,
} from "./find-coordinator.ts";
import {
  joinGroupRequest,
  joinGroupResponse,
  type JoinGroupRequest,
  type JoinGroupResponse,
} from "./join-group.ts";
import {
  heartbeatRequest,
  heartbeatResponse,
  type HeartbeatRequest,
  type HeartbeatResponse,
} from "./heartbeat.ts";
import {
  leaveGroupRequest,
  leaveGroupResponse,
  type LeaveGroupRequest,
  type LeaveGroupResponse,
} from "./leave-group.ts";
import {
  syncGroupRequest,
  syncGroupResponse,
  type SyncGroupRequest,
  type SyncGroupResponse,
} from "./sync-group.ts";
import {
  describeGroupsRequest,
  describeGroupsResponse,
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
} from "./describe-groups.ts";
import {
  listGroupsRequest,
  listGroupsResponse,
  type ListGroupsRequest,
  type ListGroupsResponse,
} from "./list-groups.ts";
import {
  saslHandshakeRequest,
  saslHandshakeResponse,
  type SaslHandshakeRequest,
  type SaslHandshakeResponse,
} from "./sasl-handshake.ts";
import {
  apiVersionsRequest,
  apiVersionsResponse,
  type ApiVersionsRequest,
  type ApiVersionsResponse,
} from "./api-versions.ts";
import {
  createTopicsRequest,
  createTopicsResponse,
  type CreateTopicsRequest,
  type CreateTopicsResponse,
} from "./create-topics.ts";
import {
  deleteTopicsRequest,
  deleteTopicsResponse,
  type DeleteTopicsRequest,
  type DeleteTopicsResponse,
} from "./delete-topics.ts";
import {
  deleteRecordsRequest,
  deleteRecordsResponse,
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
} from "./delete-records.ts";
import {
  initProducerIdRequest,
  initProducerIdResponse,
  type InitProducerIdRequest,
  type InitProducerIdResponse,
} from "./init-producer-id.ts";
import {
  offsetForLeaderEpochRequest,
  offsetForLeaderEpochResponse,
  type OffsetForLeaderEpochRequest,
  type OffsetForLeaderEpochResponse,
} from "./offset-for-leader-epoch.ts";
import {
  addPartitionsToTxnRequest,
  addPartitionsToTxnResponse,
  type AddPartitionsToTxnRequest,
  type AddPartitionsToTxnResponse,
} from "./add-partitions-to-txn.ts";
import {
  addOffsetsToTxnRequest,
  addOffsetsToTxnResponse,
  type AddOffsetsToTxnRequest,
  type AddOffsetsToTxnResponse,
} from "./add-offsets-to-txn.ts";
import {
  endTxnRequest,
  endTxnResponse,
  type EndTxnRequest,
  type EndTxnResponse,
} from "./end-txn.ts";
import {
  txnOffsetCommitRequest,
  txnOffsetCommitResponse,
  type TxnOffsetCommitRequest,
  type TxnOffsetCommitResponse,
} from "./txn-offset-commit.ts";
import {
  describeConfigsRequest,
  describeConfigsResponse,
  type DescribeConfigsRequest,
  type DescribeConfigsResponse,
} from "./describe-configs.ts";
import {
  alterConfigsRequest,
  alterConfigsResponse,
  type AlterConfigsRequest,
  type AlterConfigsResponse,
} from "./alter-configs.ts";
import {
  describeLogDirsRequest,
  describeLogDirsResponse,
  type DescribeLogDirsRequest,
  type DescribeLogDirsResponse,
} from "./describe-log-dirs.ts";
import {
  saslAuthenticateRequest,
  saslAuthenticateResponse,
  type SaslAuthenticateRequest,
  type SaslAuthenticateResponse,
} from "./sasl-authenticate.ts";
import {
  createPartitionsRequest,
  createPartitionsResponse,
  type CreatePartitionsRequest,
  type CreatePartitionsResponse,
} from "./create-partitions.ts";
import {
  deleteGroupsRequest,
  deleteGroupsResponse,
  type DeleteGroupsRequest,
  type DeleteGroupsResponse,
} from "./delete-groups.ts";
import {
  incrementalAlterConfigsRequest,
  incrementalAlterConfigsResponse,
  type IncrementalAlterConfigsRequest,
  type IncrementalAlterConfigsResponse,
} from "./incremental-alter-configs.ts";
import {
  offsetDeleteRequest,
  offsetDeleteResponse,
  type OffsetDeleteRequest,
  type OffsetDeleteResponse,
} from "./offset-delete.ts";
import {
  describeClusterRequest,
  describeClusterResponse,
  type DescribeClusterRequest,
  type DescribeClusterResponse,
} from "./describe-cluster.ts";
import {
  describeProducersRequest,
  describeProducersResponse,
  type DescribeProducersRequest,
  type DescribeProducersResponse,
} from "./describe-producers.ts";
import {
  describeTransactionsRequest,
  describeTransactionsResponse,
  type DescribeTransactionsRequest,
  type DescribeTransactionsResponse,
} from "./describe-transactions.ts";
import {
  listTransactionsRequest,
  listTransactionsResponse,
  type ListTransactionsRequest,
  type ListTransactionsResponse,
} from "./list-transactions.ts";
import {
  describeTopicPartitionsRequest,
  describeTopicPartitionsResponse,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
} from "./describe-topic-partitions.ts";
import type { MessageTable } from "../message-table.ts";

export interface Requests {
  readonly Produce: ProduceRequest;
  readonly Fetch: FetchRequest;
  readonly ListOffsets: ListOffsetsRequest;
  readonly Metadata: MetadataRequest;
  readonly OffsetCommit: OffsetCommitRequest;
  readonly OffsetFetch: OffsetFetchRequest;
  readonly FindCoordinator: FindCoordinatorRequest;
  readonly JoinGroup: JoinGroupRequest;
  readonly Heartbeat: HeartbeatRequest;
  readonly LeaveGroup: LeaveGroupRequest;
  readonly SyncGroup: SyncGroupRequest;
  readonly DescribeGroups: DescribeGroupsRequest;
  readonly ListGroups: ListGroupsRequest;
  readonly SaslHandshake: SaslHandshakeRequest;
  readonly ApiVersions: ApiVersionsRequest;
  readonly CreateTopics: CreateTopicsRequest;
  readonly DeleteTopics: DeleteTopicsRequest;
  readonly DeleteRecords: DeleteRecordsRequest;
  readonly InitProducerId: InitProducerIdRequest;
  readonly OffsetForLeaderEpoch: OffsetForLeaderEpochRequest;
  readonly AddPartitionsToTxn: AddPartitionsToTxnRequest;
  readonly AddOffsetsToTxn: AddOffsetsToTxnRequest;
  readonly EndTxn: EndTxnRequest;
  readonly TxnOffsetCommit: TxnOffsetCommitRequest;
  readonly DescribeConfigs: DescribeConfigsRequest;
  readonly AlterConfigs: AlterConfigsRequest;
  readonly DescribeLogDirs: DescribeLogDirsRequest;
  readonly SaslAuthenticate: SaslAuthenticateRequest;
  readonly CreatePartitions: CreatePartitionsRequest;
  readonly DeleteGroups: DeleteGroupsRequest;
  readonly IncrementalAlterConfigs: IncrementalAlterConfigsRequest;
  readonly OffsetDelete: OffsetDeleteRequest;
  readonly DescribeCluster: DescribeClusterRequest;
  readonly DescribeProducers: DescribeProducersRequest;
  readonly DescribeTransactions: DescribeTransactionsRequest;
  readonly ListTransactions: ListTransactionsRequest;
  readonly DescribeTopicPartitions: DescribeTopicPartitionsRequest;
}

export interface Responses {
  readonly Produce: ProduceResponse;
  readonly Fetch: FetchResponse;
  readonly ListOffsets: ListOffsetsResponse;
  readonly Metadata: MetadataResponse;
  readonly OffsetCommit: OffsetCommitResponse;
  readonly OffsetFetch: OffsetFetchResponse;
  readonly FindCoordinator: FindCoordinatorResponse;
  readonly JoinGroup: JoinGroupResponse;
  readonly Heartbeat: HeartbeatResponse;
  readonly LeaveGroup: LeaveGroupResponse;
  readonly SyncGroup: SyncGroupResponse;
  readonly DescribeGroups: DescribeGroupsResponse;
  readonly ListGroups: ListGroupsResponse;
  readonly SaslHandshake: SaslHandshakeResponse;
  readonly ApiVersions: ApiVersionsResponse;
  readonly CreateTopics: CreateTopicsResponse;
  readonly DeleteTopics: DeleteTopicsResponse;
  readonly DeleteRecords: DeleteRecordsResponse;
  readonly InitProducerId: InitProducerIdResponse;
  readonly OffsetForLeaderEpoch: OffsetForLeaderEpochResponse;
  readonly AddPartitionsToTxn: AddPartitionsToTxnResponse;
  readonly AddOffsetsToTxn: AddOffsetsToTxnResponse;
  readonly EndTxn: EndTxnResponse;
  readonly TxnOffsetCommit: TxnOffsetCommitResponse;
  readonly DescribeConfigs: DescribeConfigsResponse;
  readonly AlterConfigs: AlterConfigsResponse;
  readonly DescribeLogDirs: DescribeLogDirsResponse;
  readonly SaslAuthenticate: SaslAuthenticateResponse;
  readonly CreatePartitions: CreatePartitionsResponse;
  readonly DeleteGroups: DeleteGroupsResponse;
  readonly IncrementalAlterConfigs: IncrementalAlterConfigsResponse;
  readonly OffsetDelete: OffsetDeleteResponse;
  readonly DescribeCluster: DescribeClusterResponse;
  readonly DescribeProducers: DescribeProducersResponse;
  readonly DescribeTransactions: DescribeTransactionsResponse;
  readonly ListTransactions: ListTransactionsResponse;
  readonly DescribeTopicPartitions: DescribeTopicPartitionsResponse;
}

export type ApiName = keyof Requests;

export interface ApiTables<Name extends ApiName> {
  readonly key: number;
  readonly request: MessageTable<Requests[Name]>;
  readonly response: MessageTable<Responses[Name]>;
}

export const API_TABLES: { readonly [Name in ApiName]: ApiTables<Name> } = {
  Produce: { key: 0, request: produceRequest, response: produceResponse },
  Fetch: { key: 1, request: fetchRequest, response: fetchResponse },
  ListOffsets: { key: 2, request: listOffsetsRequest, response: listOffsetsResponse },
  Metadata: { key: 3, request: metadataRequest, response: metadataResponse },
  OffsetCommit: { key: 8, request: offsetCommitRequest, response: offsetCommitResponse },
  OffsetFetch: { key: 9, request: offsetFetchRequest, response: offsetFetchResponse },
  FindCoordinator: { key: 10, request: findCoordinatorRequest, response: findCoordinatorResponse },
  JoinGroup: { key: 11, request: joinGroupRequest, response: joinGroupResponse },
  Heartbeat: { key: 12, request: heartbeatRequest, response: heartbeatResponse },
  LeaveGroup: { key: 13, request: leaveGroupRequest, response: leaveGroupResponse },
  SyncGroup: { key: 14, request: syncGroupRequest, response: syncGroupResponse },
  DescribeGroups: { key: 15, request: describeGroupsRequest, response: describeGroupsResponse },
  ListGroups: { key: 16, request: listGroupsRequest, response: listGroupsResponse },
  SaslHandshake: { key: 17, request: saslHandshakeRequest, response: saslHandshakeResponse },
  ApiVersions: { key: 18, request: apiVersionsRequest, response: apiVersionsResponse },
  CreateTopics: { key: 19, request: createTopicsRequest, response: createTopicsResponse },
  DeleteTopics: { key: 20, request: deleteTopicsRequest, response: deleteTopicsResponse },
  DeleteRecords: { key: 21, request: deleteRecordsRequest, response: deleteRecordsResponse },
  InitProducerId: { key: 22, request: initProducerIdRequest, response: initProducerIdResponse },
  OffsetForLeaderEpoch: {
    key: 23,
    request: offsetForLeaderEpochRequest,
    response: offsetForLeaderEpochResponse,
  },
  AddPartitionsToTxn: {
    key: 24,
    request: addPartitionsToTxnRequest,
    response: addPartitionsToTxnResponse,
  },
  AddOffsetsToTxn: { key: 25, request: addOffsetsToTxnRequest, response: addOffsetsToTxnResponse },
  EndTxn: { key: 26, request: endTxnRequest, response: endTxnResponse },
  TxnOffsetCommit: { key: 28, request: txnOffsetCommitRequest, response: txnOffsetCommitResponse },
  DescribeConfigs: { key: 32, request: describeConfigsRequest, response: describeConfigsResponse },
  AlterConfigs: { key: 33, request: alterConfigsRequest, response: alterConfigsResponse },
  DescribeLogDirs: { key: 35, request: describeLogDirsRequest, response: describeLogDirsResponse },
  SaslAuthenticate: {
    key: 36,
    request: saslAuthenticateRequest,
    response: saslAuthenticateResponse,
  },
  CreatePartitions: {
    key: 37,
    request: createPartitionsRequest,
    response: createPartitionsResponse,
  },
  DeleteGroups: { key: 42, request: deleteGroupsRequest, response: deleteGroupsResponse },
  IncrementalAlterConfigs: {
    key: 44,
    request: incrementalAlterConfigsRequest,
    response: incrementalAlterConfigsResponse,
  },
  OffsetDelete: { key: 47, request: offsetDeleteRequest, response: offsetDeleteResponse },
  DescribeCluster: { key: 60, request: describeClusterRequest, response: describeClusterResponse },
  DescribeProducers: {
    key: 61,
    request: describeProducersRequest,
    response: describeProducersResponse,
  },
  DescribeTransactions: {
    key: 65,
    request: describeTransactionsRequest,
    response: describeTransactionsResponse,
  },
  ListTransactions: {
    key: 66,
    request: listTransactionsRequest,
    response: listTransactionsResponse,
  },
  DescribeTopicPartitions: {
    key: 75,
    request: describeTopicPartitionsRequest,
    response: describeTopicPartitionsResponse,
  },
};

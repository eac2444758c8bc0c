/**
 * What a Kafka client finds otherwise here than at Apache Kafka 4, by request, and what it does not find.
 * `docs/protocols.md` is made of it (`npm run protocols`), so each entry is a sentence for a reader who
 * does not know this code. Limits come from where they hold.
 */

import { LIMITS } from "../../model/limits.ts";
import { BATCH_BYTES_MAX } from "../log/format/batch-layout.ts";
import type { ApiName } from "./codec/generated/apis.ts";
import { FETCH_BYTES_MAX, GROUPS } from "./create-kafka-broker.ts";
import { CONNECTION_LIMITS } from "./server/limits.ts";
import { TRANSACTIONS } from "./transactions/open-transactions.ts";

const kib = (bytes: number): string => `${bytes / 1024} KiB`;
const mib = (bytes: number): string => `${bytes / 1024 / 1024} MiB`;
const seconds = (ms: number): string => `${ms / 1000}`;
const minutes = (ms: number): string => `${ms / 60_000}`;
const days = (ms: number): string => `${ms / 86_400_000}`;
const count = (many: number): string => many.toLocaleString("en");

/** `all`: whatever the request. */
export const DIFFERENCES: {
  readonly [Name in ApiName | "all"]?: readonly string[];
} = {
  all: [
    "There is one broker, with the id 0; it leads every partition in epoch 0 and is the only replica.",
    "Records are on the disk before they are acknowledged, unless a topic's flush.messages says otherwise.",
    "What a client may do is asked of the broker's rules, which are set where it is started; there are no access lists in the protocol.",
    "There are no quotas: the throttle time of every answer is 0.",
    "There are no internal topics: committed offsets and transactions stand in a log of the broker's own that no client reads.",
    `A request to produce has at most ${mib(CONNECTION_LIMITS.frameBytesMax)}, one to join or sync a group ${mib(CONNECTION_LIMITS.groupFrameBytesMax)}, any other ${kib(CONNECTION_LIMITS.otherFrameBytesMax)}, and one before the sign-in ${kib(CONNECTION_LIMITS.strangerFrameBytesMax)}; Kafka takes 100 MiB, and 512 KiB before the sign-in.`,
    `A client that stops within a frame, or takes nothing of its answers, is hung up on after ${seconds(CONNECTION_LIMITS.stalledMs)} seconds, and after ${seconds(CONNECTION_LIMITS.stalledShortMs)} while memory is short.`,
  ],
  Metadata: [
    "A topic that is made because a client asked for it is there at once, in the same answer; the door's settings say with how many partitions, or that none is made.",
    "The answer tells one replica, whatever replication factor the topic was created with.",
  ],
  Produce: [
    "The answer to acks=1 waits for the disk as that to acks=all does.",
    "A refused batch of a request without acknowledgements (acks=0) is dropped; the connection stays.",
    "A batch whose attributes claim the broker's time (LogAppendTime) is refused in every topic.",
    `A batch is at most ${mib(BATCH_BYTES_MAX)}, whatever max.message.bytes says.`,
    "Batches stay as their producer compressed them; a topic's compression.type is kept and does nothing.",
  ],
  Fetch: [
    "Fetch sessions are declined: every request names all its partitions.",
    `An answer has at most ${mib(FETCH_BYTES_MAX)} beyond its first batch; Kafka's brokers allow 55.`,
    "A partition that a request names again is refused there, with INVALID_REQUEST.",
    "Nobody is sent to another replica: the client's rack counts for nothing.",
  ],
  ListOffsets: [
    "Nothing is moved to other storage, so the times -5 and -6 find no offset.",
    "A partition that a request names again is refused there, with INVALID_REQUEST; Kafka refuses it everywhere.",
  ],
  OffsetForLeaderEpoch: ["Epoch 0 has not ended, and there is no other."],
  ApiVersions: [
    "The features told are transaction.version, at level 2, and no other.",
    "Finalized features never change, so their epoch is 0.",
  ],
  SaslHandshake: [
    "The mechanisms are PLAIN and, where the sign-in hook has credentials, SCRAM-SHA-256 and SCRAM-SHA-512; OAUTHBEARER and GSSAPI are not spoken.",
  ],
  SaslAuthenticate: [
    "A sign-in has no end, so no client signs in again; one that tries is refused with ILLEGAL_SASL_STATE.",
  ],
  CreateTopics: [
    "Any replication factor is accepted, and told as 1.",
    "An assignment of replicas says how many partitions there are; the brokers in it count for nothing.",
    "Names that differ only in dots and underscores may stand side by side.",
    `A topic has at most ${count(LIMITS.partitionsMax)} partitions.`,
  ],
  CreatePartitions: [
    "Refused for a stream that a service in the broker's process has declared, since its keys would move.",
  ],
  DeleteRecords: [
    "A partition that a request names again is refused there, as by Fetch.",
    "What is deleted is gone for readers at once; the disk gets whole segments back, never the one that is written.",
  ],
  DescribeConfigs: [
    "Defaults are those that hold here: flush.messages is 1, retention.ms is -1.",
    "The broker's configs are those that mean something here; they are set where it is started.",
    "Only topics and the broker have configs; groups, loggers and client metrics are refused with INVALID_REQUEST.",
    "Configs come without documentation.",
    "A resource that a request names again is told once.",
  ],
  AlterConfigs: [
    "A service that declares a stream brings its retention and durability back to the declaration when it starts; all else stays.",
    "The broker's configs cannot be altered.",
    "Configs that mean nothing here are kept and told, and change nothing; the table of a topic's configs says which.",
    "flush.messages between 1 and the greatest number syncs every group, which is never less than asked; the greatest number leaves it to flush.ms, of which 60,000 is the most.",
  ],
  IncrementalAlterConfigs: ["As AlterConfigs."],
  DescribeCluster: ["Controllers have no addresses of their own: only brokers can be asked for."],
  DescribeLogDirs: [
    "There is one directory, the broker's own, and nothing can be moved to another.",
    "The size of the disk is not told, only what is free on it.",
  ],
  DescribeTopicPartitions: [
    "Lists of eligible and last known leaders are empty: there is one replica.",
  ],
  FindCoordinator: [
    "Coordinators of share groups are refused with INVALID_REQUEST.",
    "For a transactional id no right is asked; what is done with it asks for the right to write with it.",
  ],
  JoinGroup: [
    "Who is in a group is known in memory alone: after a restart of the broker its members are unknown and join again.",
    `The first join of an empty group waits for ${GROUPS.initialDelayMs} ms, and as long again after each newcomer; Kafka waits for 3 seconds.`,
    `A group has at most ${count(GROUPS.membersMax)} members; in Kafka group.max.size says how many, and without it there is no limit.`,
    "A join that is repeated while the first one waits takes its place, and the first one is answered with REBALANCE_IN_PROGRESS; Kafka never answers it.",
    "A static member that comes back needs no room in a full group.",
    "A group that services in the broker's own process use is refused with INCONSISTENT_GROUP_PROTOCOL.",
  ],
  SyncGroup: [
    "A sync that is repeated while the first one waits takes its place, and the first one is answered with REBALANCE_IN_PROGRESS; Kafka never answers it.",
  ],
  OffsetCommit: [
    "Offsets are kept until their group or their topic is deleted; Kafka forgets those of a group that has been empty for 7 days, or after the time that versions 2 to 4 can ask for.",
    "A group that services in the broker's own process use is refused with UNKNOWN_MEMBER_ID.",
  ],
  ListGroups: [
    "A group that services in the broker's own process use is listed with the protocol type `millrace`.",
    "Every group is of the type `classic`.",
  ],
  DescribeGroups: [
    "A group that a request names again is told once; so are coordinators and transactions.",
    "Members in the broker's own process are told by their names, without metadata and assignment.",
  ],
  InitProducerId: [
    "Version 6, for transactions in two phases, is not stable in Kafka 4.3 and is not served.",
    "Of an idempotent producer without a transactional id no right is asked.",
    `A transaction may stay open for ${minutes(TRANSACTIONS.timeoutMsMax)} minutes at most, which cannot be set; that is Kafka's default for transaction.max.timeout.ms.`,
  ],
  AddPartitionsToTxn: [
    "Versions 4 and 5 are answered to whoever may write with the transactional id; Kafka keeps them for its brokers.",
  ],
  EndTxn: [
    "The answer waits until every partition has its marker and the offsets are committed; Kafka answers when the direction is decided.",
  ],
  DescribeTransactions: [
    `A transactional id is forgotten after ${days(TRANSACTIONS.idleKeepMs)} days in which nobody used it.`,
  ],
  ListTransactions: [
    "In a pattern of version 2 `.*` alone has a meaning; any other sign of a regular expression is refused with INVALID_REGULAR_EXPRESSION.",
  ],
  DescribeProducers: [
    "A producer is forgotten a day after its last batch, as by Kafka's default.",
    "A partition that comes again is refused there with INVALID_REQUEST.",
  ],
};

/** Why requests are not answered that Kafka's brokers answer. Each of them stands in one entry. */
export const UNSERVED: readonly {
  readonly apis: readonly string[];
  readonly why: string;
}[] = [
  {
    apis: ["ConsumerGroupHeartbeat", "ConsumerGroupDescribe"],
    why: "The newer protocol of groups (KIP-848) comes later. Clients ask for it by group.protocol=consumer and use the classic one without.",
  },
  {
    apis: ["StreamsGroupHeartbeat", "StreamsGroupDescribe"],
    why: "The group protocol of Kafka Streams (KIP-1071) comes later. Streams programs use the classic one unless they ask for it.",
  },
  {
    apis: [
      "ShareGroupHeartbeat",
      "ShareGroupDescribe",
      "ShareFetch",
      "ShareAcknowledge",
      "DescribeShareGroupOffsets",
      "AlterShareGroupOffsets",
      "DeleteShareGroupOffsets",
      "InitializeShareGroupState",
      "ReadShareGroupState",
      "WriteShareGroupState",
      "DeleteShareGroupState",
      "ReadShareGroupStateSummary",
    ],
    why: "Share groups (KIP-932) come later. The broker's own queues have acknowledgements one by one, behind the AMQP door.",
  },
  {
    apis: ["DescribeAcls", "CreateAcls", "DeleteAcls"],
    why: "Rights are rules of the broker's configuration.",
  },
  {
    apis: [
      "DescribeUserScramCredentials",
      "AlterUserScramCredentials",
      "CreateDelegationToken",
      "RenewDelegationToken",
      "ExpireDelegationToken",
      "DescribeDelegationToken",
    ],
    why: "Users and their credentials belong to the sign-in hook.",
  },
  {
    apis: ["DescribeClientQuotas", "AlterClientQuotas"],
    why: "There are no quotas.",
  },
  {
    apis: [
      "AlterReplicaLogDirs",
      "ElectLeaders",
      "AlterPartitionReassignments",
      "ListPartitionReassignments",
      "DescribeQuorum",
      "UnregisterBroker",
      "AddRaftVoter",
      "RemoveRaftVoter",
    ],
    why: "There is one broker and one directory: nothing to elect, to vote for or to move.",
  },
  {
    apis: ["WriteTxnMarkers"],
    why: "Markers are written by the broker alone, which coordinates every transaction itself.",
  },
  {
    apis: ["UpdateFeatures"],
    why: "Features are those of the release.",
  },
  {
    apis: ["ListConfigResources"],
    why: "Topics and the broker are all that has configs.",
  },
  {
    apis: ["GetTelemetrySubscriptions", "PushTelemetry"],
    why: "Clients' own metrics (KIP-714) are not collected; clients go on without.",
  },
];

/**
 * What a Kafka client finds otherwise here than at Apache Kafka 4, by request. The page on protocols is
 * made of it, so each entry is a sentence for a reader who does not know this code.
 */

import type { ApiName } from "./codec/generated/apis.ts";

/** `all`: whatever the request. */
export const DIFFERENCES: {
  readonly [Name in ApiName | "all"]?: readonly string[];
} = {
  all: [
    "There is one broker, with the id 0; it leads every partition in epoch 0 and is the only replica.",
    "Records are on the disk before they are acknowledged, unless a topic's flush.messages says otherwise.",
  ],
  Metadata: [
    "A topic that is made because a client asked for it is there at once, in the same answer.",
    "The answer tells one replica, whatever replication factor the topic was created with.",
  ],
  Produce: [
    "A refused batch of a request without acknowledgements (acks=0) is dropped; the connection stays.",
    "A batch whose attributes claim the broker's time (LogAppendTime) is refused in every topic.",
    "A batch is at most 8 MiB, whatever max.message.bytes says.",
    "Batches stay as their producer compressed them; a topic's compression.type is kept and does nothing.",
  ],
  Fetch: ["Fetch sessions are declined: every request names all its partitions."],
  ListOffsets: ["Nothing is moved to other storage, so the times -5 and -6 find no offset."],
  CreateTopics: [
    "Any replication factor is accepted, and told as 1.",
    "An assignment of replicas says how many partitions there are; the brokers in it count for nothing.",
    "Names that differ only in dots and underscores may stand side by side.",
    "A topic has at most 1,024 partitions.",
  ],
  CreatePartitions: [
    "Refused for a stream that a service in the broker's process has declared, since its keys would move.",
  ],
  DeleteRecords: [
    "What is deleted is gone for readers at once; the disk gets whole segments back, never the one that is written.",
  ],
  DescribeConfigs: [
    "Defaults are those that hold here: flush.messages is 1, retention.ms is -1.",
    "The broker's configs are those that mean something here; they are set where it is started.",
    "Only topics and the broker have configs.",
  ],
  AlterConfigs: [
    "A service that declares a stream brings its retention and durability back to the declaration when it starts; all else stays.",
    "The broker's configs cannot be altered.",
    "These configs of a topic are kept and told, and change nothing: those of compression, index, replication and other storage, and those of a segment's size and age.",
    "flush.messages between 1 and the greatest number syncs every group, which is never less than asked; the greatest number leaves it to flush.ms, of which 60,000 is the most.",
  ],
  IncrementalAlterConfigs: ["As AlterConfigs."],
  DescribeCluster: ["Controllers have no addresses of their own: only brokers can be asked for."],
  DescribeLogDirs: ["The size of the disk is not told, only what is free on it."],
  FindCoordinator: ["Coordinators of share groups are refused with INVALID_REQUEST."],
  JoinGroup: [
    "Who is in a group is known in memory alone: after a restart of the broker its members are unknown and join again.",
    "The first join of an empty group waits for 100 ms, and as long again after each newcomer; Kafka waits for 3 seconds.",
    "A join that is repeated while the first one waits takes its place, and the first one is answered with REBALANCE_IN_PROGRESS; Kafka never answers it.",
    "A static member that comes back needs no room in a full group.",
    "A group that services in the broker's own process use is refused with INCONSISTENT_GROUP_PROTOCOL.",
  ],
  SyncGroup: [
    "A sync that is repeated while the first one waits takes its place, and the first one is answered with REBALANCE_IN_PROGRESS; Kafka never answers it.",
  ],
  OffsetCommit: [
    "Offsets are kept until their group or their topic is deleted; Kafka forgets those of a group that has been empty for 7 days.",
    "A group that services in the broker's own process use is refused with UNKNOWN_MEMBER_ID.",
  ],
  ListGroups: [
    "A group that services in the broker's own process use is listed with the protocol type `millrace`.",
  ],
  DescribeGroups: [
    "Members in the broker's own process are told by their names, without metadata and assignment.",
  ],
};

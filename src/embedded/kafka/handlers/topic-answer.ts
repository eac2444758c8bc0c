/** A topic as Metadata and DescribeTopicPartitions tell it: one broker leads and holds everything. */

import { LEADER_EPOCH, NODE_ID } from "../kafka-broker.ts";
import type { Topic } from "../topics/topics.ts";

export interface ToldPartition {
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
}

export function toldPartitions({ partitions }: Topic): readonly ToldPartition[] {
  return partitions.map((_, partitionIndex) => ({
    partitionIndex,
    leaderId: NODE_ID,
    leaderEpoch: LEADER_EPOCH,
    replicaNodes: [NODE_ID],
    isrNodes: [NODE_ID],
  }));
}

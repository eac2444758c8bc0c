/** A topic as Metadata and DescribeTopicPartitions tell it: one broker leads and holds everything. */

import { LIMITS } from "../../../model/limits.ts";
import { LEADER_EPOCH, NODE_ID } from "../kafka-broker.ts";
import type { Topic } from "../topics/topics.ts";

export interface ToldPartition {
  readonly partitionIndex: number;
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly replicaNodes: readonly number[];
  readonly isrNodes: readonly number[];
}

const NODES = [NODE_ID];

/** The partitions of every topic are told alike, so one answer after another tells the same objects. */
const TOLD: readonly ToldPartition[] = Array.from(
  { length: LIMITS.partitionsMax },
  (_, partitionIndex) => ({
    partitionIndex,
    leaderId: NODE_ID,
    leaderEpoch: LEADER_EPOCH,
    replicaNodes: NODES,
    isrNodes: NODES,
  }),
);

export function toldPartitions({ partitions }: Topic): readonly ToldPartition[] {
  return TOLD.slice(0, partitions.length);
}

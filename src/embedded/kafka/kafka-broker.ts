/** What the handlers of the Kafka door share. */

import type { Engine } from "../engine.ts";
import type { GroupCoordinator } from "./groups/group-coordinator.ts";
import type { PendingOffsets } from "./groups/pending-offsets.ts";
import type { ProducerIds } from "./transactions/producer-ids.ts";
import type { TransactionCoordinator } from "./transactions/transaction-coordinator.ts";
import type { Topics } from "./topics/topics.ts";

/** The one node of this cluster. */
export const NODE_ID = 0;
/** It leads every partition, and has from the beginning. */
export const LEADER_EPOCH = 0;
/** The isolation level of those who want records of committed transactions only. */
export const READ_COMMITTED = 1;

export interface KafkaBroker {
  readonly engine: Engine;
  readonly topics: Topics;
  readonly groups: GroupCoordinator;
  readonly pendingOffsets: PendingOffsets;
  readonly producerIds: ProducerIds;
  readonly transactions: TransactionCoordinator;
  /** Where clients reach this broker. */
  readonly address: () => { readonly host: string; readonly port: number };
  readonly settings: KafkaSettings;
}

/** What is asked of groups needs this much of it. */
export type GroupBroker = Pick<KafkaBroker, "engine" | "topics" | "groups" | "pendingOffsets">;

export interface KafkaSettings {
  /** Whether a client's look at a topic that nobody made makes it. */
  readonly autoCreate: boolean;
  /** Of a topic that is made so, or whose maker leaves the number to the broker. */
  readonly partitions: number;
  /** Of all partitions in one answer; the client may ask for less. */
  readonly fetchBytesMax: number;
}

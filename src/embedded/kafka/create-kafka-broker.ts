/** Puts together what the handlers of the Kafka door share. */

import type { KafkaDoorSettings } from "../../broker/doors.ts";
import type { Engine } from "../engine.ts";
import { GroupCoordinator } from "./groups/group-coordinator.ts";
import type { KafkaBroker } from "./kafka-broker.ts";
import { Topics } from "./topics/topics.ts";
import { ProducerIds } from "./transactions/producer-ids.ts";
import { TransactionCoordinator } from "./transactions/transaction-coordinator.ts";
import { TransactionOffsets } from "./transactions/transaction-offsets.ts";

const MIB = 1024 * 1024;

const GROUPS = {
  initialDelayMs: 100,
  sessionMsMin: 6_000,
  sessionMsMax: 30 * 60_000,
  firstJoinMs: 5 * 60_000,
  membersMax: 10_000,
  vacantMs: 10 * 60_000,
};

const TRANSACTIONS = {
  timeoutMsMax: 15 * 60_000,
  expiryCheckMs: 10_000,
  idleKeepMs: 7 * 24 * 60 * 60_000,
};

/** Transactions that a crash left without their end are ended first. */
export async function createKafkaBroker(
  engine: Engine,
  { autoCreate = true, partitions = 1 }: Pick<KafkaDoorSettings, "autoCreate" | "partitions">,
  address: KafkaBroker["address"],
): Promise<KafkaBroker> {
  const topics = new Topics(engine);
  const producerIds = new ProducerIds(engine.state);
  const offsets = new TransactionOffsets(engine.state);
  const transactions = new TransactionCoordinator({
    engine,
    topics,
    producerIds,
    offsets,
    settings: TRANSACTIONS,
  });
  await transactions.recover();
  return {
    engine,
    topics,
    groups: new GroupCoordinator(engine, GROUPS),
    pendingOffsets: offsets,
    producerIds,
    transactions,
    address,
    settings: { autoCreate, partitions, fetchBytesMax: 50 * MIB },
  };
}

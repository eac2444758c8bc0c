/** Puts together what the handlers of the Kafka door share. */

import type { KafkaDoorSettings } from "../../broker/doors.ts";
import type { Engine } from "../engine.ts";
import { GroupCoordinator, type CoordinatorSettings } from "./groups/group-coordinator.ts";
import type { KafkaBroker } from "./kafka-broker.ts";
import { Topics } from "./topics/topics.ts";
import type { Transactions } from "./transactions/open-transactions.ts";

const MIB = 1024 * 1024;

/** Of all partitions in one answer. */
export const FETCH_BYTES_MAX: number = 50 * MIB;

export const GROUPS: CoordinatorSettings = {
  initialDelayMs: 100,
  sessionMsMin: 6_000,
  sessionMsMax: 30 * 60_000,
  firstJoinMs: 5 * 60_000,
  membersMax: 10_000,
  vacantMs: 10 * 60_000,
};

export interface KafkaServing extends Pick<KafkaDoorSettings, "autoCreate" | "partitions"> {
  readonly address: KafkaBroker["address"];
}

export function createKafkaBroker(
  engine: Engine,
  { coordinator, producerIds, offsets }: Transactions,
  { autoCreate = true, partitions = 1, address }: KafkaServing,
): KafkaBroker {
  return {
    engine,
    topics: new Topics(engine),
    groups: new GroupCoordinator(engine, GROUPS),
    pendingOffsets: offsets,
    producerIds,
    transactions: coordinator,
    address,
    settings: { autoCreate, partitions, fetchBytesMax: FETCH_BYTES_MAX },
  };
}

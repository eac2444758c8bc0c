/** Opens the Kafka door: a listener on which every stream is a topic. */

import type { ListenSettings } from "../../broker/doors.ts";
import type { Doorkeeper } from "../doors/doorkeeper.ts";
import { limitedWarn } from "../doors/limited-log.ts";
import { openListener } from "../doors/listener.ts";
import type { Engine } from "../engine.ts";
import { GroupCoordinator } from "./groups/group-coordinator.ts";
import { createHandlers } from "./handlers/handlers.ts";
import type { KafkaBroker } from "./kafka-broker.ts";
import { Connections } from "./server/connections.ts";
import { CONNECTION_LIMITS, DOOR_LIMITS } from "./server/limits.ts";
import { ProducerIds } from "./transactions/producer-ids.ts";
import { TransactionCoordinator } from "./transactions/transaction-coordinator.ts";
import { TransactionOffsets } from "./transactions/transaction-offsets.ts";
import { Topics } from "./topics/topics.ts";

export interface OpenDoor {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

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

/** Throws BAD_CONFIG where the port is taken or not to be had, and for keys that cannot be read. */
export async function openKafkaDoor(
  engine: Engine,
  settings: ListenSettings,
  keeper: Doorkeeper,
): Promise<OpenDoor> {
  const { environment } = engine;
  const groups = new GroupCoordinator(engine, GROUPS);
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
  const broker: KafkaBroker = {
    engine,
    topics,
    groups,
    pendingOffsets: offsets,
    producerIds,
    transactions,
    address: () => listener.advertised,
    settings: { autoCreatePartitions: 1, batchBytesMax: MIB + 12, fetchBytesMax: 50 * MIB },
  };
  const warn = limitedWarn(environment.clock, environment.log);
  const connections = new Connections({
    handlers: createHandlers(broker),
    environment,
    keeper,
    warn,
    limits: DOOR_LIMITS,
    connectionLimits: CONNECTION_LIMITS,
  });
  const listener = await openListener({
    door: "kafka",
    settings,
    connectionsMax: DOOR_LIMITS.connectionsMax,
    warn,
    onConnection: (socket) => connections.add(socket),
  });
  return {
    host: listener.host,
    port: listener.port,
    async close() {
      const ended = listener.close();
      await connections.stop();
      groups.close();
      await transactions.close();
      await ended;
    },
  };
}

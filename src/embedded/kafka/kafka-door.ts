/** Opens the Kafka door: a listener on which every stream is a topic. */

import type { ListenSettings } from "../../broker/doors.ts";
import { LOCAL, type Doorkeeper } from "../doors/doorkeeper.ts";
import { limitedWarn } from "../doors/limited-log.ts";
import { openListener } from "../doors/listener.ts";
import type { Engine } from "../engine.ts";
import { GroupCoordinator } from "./groups/group-coordinator.ts";
import { createHandlers } from "./handlers/handlers.ts";
import type { KafkaBroker } from "./kafka-broker.ts";
import { Connection, type ConnectionLimits } from "./server/connection.ts";
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

const LIMITS: ConnectionLimits = {
  begunMax: 64,
  countMax: 256,
  bytesMax: 64 * MIB,
  frameBytesMax: 100 * MIB,
  unsentBytesMax: 16 * MIB,
  idleMs: 10 * 60_000,
  firstRequestMs: 30_000,
};

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

const CONNECTIONS_MAX = 20_000;

/** Throws BAD_CONFIG where the port is taken or not to be had, and for keys that cannot be read. */
export async function openKafkaDoor(
  engine: Engine,
  settings: ListenSettings,
  keeper: Doorkeeper,
): Promise<OpenDoor> {
  const { clock, log } = engine.environment;
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
  const handlers = createHandlers(broker);
  const connections = new Set<Connection>();
  const listener = await openListener({
    door: "kafka",
    settings,
    connectionsMax: CONNECTIONS_MAX,
    warn: limitedWarn(clock, log),
    onConnection(socket) {
      // Where the program asks who comes in, those who have not signed in may do nothing.
      const may = keeper.asks ? (): boolean => false : keeper.mayOf(LOCAL);
      const connection = new Connection({ socket, handlers, clock, log, limits: LIMITS, may });
      connections.add(connection);
      void connection.closed.then(() => connections.delete(connection));
    },
  });
  return {
    host: listener.host,
    port: listener.port,
    async close() {
      const ended = listener.close();
      groups.close();
      for (const connection of connections) connection.close();
      await transactions.close();
      await ended;
    },
  };
}

/** Opens the Kafka door: a listener on which every stream is a topic. */

import { createServer, type AddressInfo } from "node:net";
import { MillraceError } from "../../model/errors.ts";
import type { Engine } from "../engine.ts";
import { GroupCoordinator } from "./groups/group-coordinator.ts";
import { createHandlers } from "./handlers/handlers.ts";
import type { KafkaBroker } from "./kafka-broker.ts";
import { Connection, type ConnectionLimits } from "./server/connection.ts";
import { ProducerIds } from "./transactions/producer-ids.ts";
import { Topics } from "./topics/topics.ts";

export interface KafkaDoorSettings {
  /** 0 takes any free port. */
  readonly port: number;
  readonly host?: string;
}

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
  membersMax: 10_000,
};

const CONNECTIONS_MAX = 20_000;

/** Throws BAD_CONFIG where the port is taken or not to be had. */
export async function openKafkaDoor(
  engine: Engine,
  { port, host = "127.0.0.1" }: KafkaDoorSettings,
): Promise<OpenDoor> {
  const { clock, log } = engine.environment;
  const groups = new GroupCoordinator(engine, GROUPS);
  const broker: KafkaBroker = {
    engine,
    topics: new Topics(engine),
    groups,
    producerIds: new ProducerIds(engine.state),
    address: () => ({ host, port: bound.port }),
    settings: { autoCreatePartitions: 1, batchBytesMax: MIB + 12, fetchBytesMax: 50 * MIB },
  };
  const handlers = createHandlers(broker);
  const connections = new Set<Connection>();
  const server = createServer((socket) => {
    const may = (): boolean => true;
    const connection = new Connection({ socket, handlers, clock, log, limits: LIMITS, may });
    connections.add(connection);
    void connection.closed.then(() => connections.delete(connection));
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => reject(refused(host, port, error)));
    server.listen(port, host, resolve);
  });
  // A listener on a port has such an address.
  const bound = server.address() as AddressInfo;
  return {
    host,
    port: bound.port,
    async close() {
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      groups.close();
      for (const connection of connections) connection.close();
      await ended;
    },
  };
}

function refused(host: string, port: number, cause: Error): MillraceError {
  return new MillraceError(
    "BAD_CONFIG",
    `the Kafka door cannot listen on ${host}:${port} (${cause.message}); take another port, or 0 for any free one`,
    { cause, details: { key: "kafka.port", host, port } },
  );
}

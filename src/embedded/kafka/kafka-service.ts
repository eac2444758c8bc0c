/** What serves the connections of the Kafka door. */

import type { KafkaDoorSettings } from "../../broker/doors.ts";
import type { BrokerTransactions } from "../broker-transactions.ts";
import type { Doorkeeper } from "../doors/doorkeeper.ts";
import type { ConnectionService } from "../doors/late-service.ts";
import type { Warn } from "../doors/limited-log.ts";
import type { Engine } from "../engine.ts";
import { createKafkaBroker } from "./create-kafka-broker.ts";
import { createHandlers } from "./handlers/handlers.ts";
import type { KafkaBroker } from "./kafka-broker.ts";
import { Connections } from "./server/connections.ts";
import { CONNECTION_LIMITS, DOOR_LIMITS, type KafkaDoorAccess } from "./server/limits.ts";

export interface KafkaServiceOptions {
  readonly engine: Engine;
  readonly transactions: BrokerTransactions;
  readonly keeper: Doorkeeper;
  readonly warn: Warn;
  readonly settings: KafkaDoorSettings;
  /** Where clients are told to connect to. */
  readonly advertised: ReturnType<KafkaBroker["address"]>;
  readonly access: KafkaDoorAccess;
}

/** Throws what the logs throw in which transactions are ended that a crash left half ended. */
export async function openKafkaService(options: KafkaServiceOptions): Promise<ConnectionService> {
  const { engine, keeper, warn, settings, advertised, access } = options;
  const transactions = await options.transactions.open();
  const broker = createKafkaBroker(engine, transactions, {
    ...settings,
    address: () => advertised,
  });
  const connections = new Connections({
    handlers: createHandlers(broker),
    environment: engine.environment,
    keeper,
    warn,
    limits: { ...DOOR_LIMITS, ...access.limits },
    connectionLimits: { ...CONNECTION_LIMITS, ...access.connectionLimits },
  });
  return {
    add: (socket) => connections.add(socket),
    async stop() {
      await connections.stop();
      broker.groups.close();
    },
  };
}

/** Opens the Kafka door: a listener on which every stream is a topic. */

import type { KafkaDoorSettings } from "../../broker/doors.ts";
import type { Doorkeeper } from "../doors/doorkeeper.ts";
import { limitedWarn } from "../doors/limited-log.ts";
import { openListener } from "../doors/listener.ts";
import type { Engine } from "../engine.ts";
import { createKafkaBroker } from "./create-kafka-broker.ts";
import { createHandlers } from "./handlers/handlers.ts";
import { Connections } from "./server/connections.ts";
import {
  CONNECTION_LIMITS,
  DOOR_LIMITS,
  type ConnectionLimits,
  type DoorLimits,
} from "./server/limits.ts";
import type { Transactions } from "./transactions/open-transactions.ts";

export interface OpenDoor {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** What tests bring and users do not. */
export interface KafkaDoorAccess {
  readonly limits?: Partial<DoorLimits>;
  readonly connectionLimits?: Partial<ConnectionLimits>;
}

/** Throws BAD_CONFIG where the port is taken or not to be had, and for keys that cannot be read. */
export async function openKafkaDoor(
  { engine, transactions }: { readonly engine: Engine; readonly transactions: Transactions },
  settings: KafkaDoorSettings,
  keeper: Doorkeeper,
  access: KafkaDoorAccess = {},
): Promise<OpenDoor> {
  const { environment } = engine;
  const limits = { ...DOOR_LIMITS, ...access.limits };
  const broker = createKafkaBroker(engine, transactions, {
    ...settings,
    address: () => listener.advertised,
  });
  const warn = limitedWarn(environment.clock, environment.log);
  const connections = new Connections({
    handlers: createHandlers(broker),
    environment,
    keeper,
    warn,
    limits,
    connectionLimits: { ...CONNECTION_LIMITS, ...access.connectionLimits },
  });
  const listener = await openListener({
    door: "kafka",
    settings,
    connectionsMax: limits.connectionsMax,
    warn,
    onConnection: (socket) => connections.add(socket),
  });
  return {
    ...listener.advertised,
    async close() {
      const ended = listener.close();
      await connections.stop();
      broker.groups.close();
      await ended;
    },
  };
}

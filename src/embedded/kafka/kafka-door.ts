/** Opens the Kafka door: a listener on which every stream is a topic. */

import type { KafkaDoorSettings } from "../../broker/doors.ts";
import type { BrokerTransactions } from "../broker-transactions.ts";
import type { Doorkeeper } from "../doors/doorkeeper.ts";
import { LateService } from "../doors/late-service.ts";
import { limitedWarn } from "../doors/limited-log.ts";
import { openListener } from "../doors/listener.ts";
import type { Engine } from "../engine.ts";
import { DOOR_LIMITS, type ConnectionLimits, type DoorLimits } from "./server/limits.ts";

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
  { engine, transactions }: { readonly engine: Engine; readonly transactions: BrokerTransactions },
  settings: KafkaDoorSettings,
  keeper: Doorkeeper,
  access: KafkaDoorAccess = {},
): Promise<OpenDoor> {
  const { environment } = engine;
  const warn = limitedWarn(environment.clock, environment.log);
  const listener = await openListener({
    door: "kafka",
    settings,
    connectionsMax: access.limits?.connectionsMax ?? DOOR_LIMITS.connectionsMax,
    warn,
    onConnection: (socket) => service.add(socket),
  });
  const { advertised } = listener;
  const service = new LateService({
    door: "kafka",
    environment,
    async load() {
      const { openKafkaService } = await import("./kafka-service.ts");
      const options = { engine, transactions, keeper, warn, settings, advertised, access };
      return openKafkaService(options);
    },
  });
  return {
    ...advertised,
    async close() {
      const ended = listener.close();
      await service.stop();
      await ended;
    },
  };
}

/** Opens the Kafka door: a listener on which every stream is a topic. */

import type { KafkaDoorSettings } from "../../broker/doors.ts";
import type { BrokerTransactions } from "../broker-transactions.ts";
import type { Doorkeeper } from "../doors/doorkeeper.ts";
import { LateService } from "../doors/late-service.ts";
import { limitedWarn } from "../doors/limited-log.ts";
import { openListener } from "../doors/listener.ts";
import type { Engine } from "../engine.ts";
import { DOOR_LIMITS } from "./server/limits.ts";

export interface OpenDoor {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Throws BAD_CONFIG where the port is taken or not to be had, and for keys that cannot be read. */
export async function openKafkaDoor(
  { engine, transactions }: { readonly engine: Engine; readonly transactions: BrokerTransactions },
  settings: KafkaDoorSettings,
  keeper: Doorkeeper,
): Promise<OpenDoor> {
  const { environment } = engine;
  const warn = limitedWarn(environment.clock, environment.log);
  const listener = await openListener({
    door: "kafka",
    settings,
    connectionsMax: DOOR_LIMITS.connectionsMax,
    warn,
    onConnection: (socket) => service.add(socket),
  });
  const { advertised } = listener;
  const service = new LateService({
    door: "kafka",
    environment,
    async load() {
      const { openKafkaService } = await import("./kafka-service.ts");
      return openKafkaService({ engine, transactions, keeper, warn, settings, advertised });
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

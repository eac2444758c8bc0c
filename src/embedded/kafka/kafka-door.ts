/** Opens the Kafka door: a listener on which every stream is a topic. */

import type { KafkaDoorSettings } from "../../broker/doors.ts";
import type { BrokerTransactions } from "../broker-transactions.ts";
import type { Doorkeeper } from "../doors/doorkeeper.ts";
import { openDoor, type OpenDoor } from "../doors/open-door.ts";
import type { Engine } from "../engine.ts";
import { DOOR_LIMITS, type KafkaDoorAccess } from "./server/limits.ts";

/** Throws BAD_CONFIG where the port is taken or not to be had, and for keys that cannot be read. */
export function openKafkaDoor(
  { engine, transactions }: { readonly engine: Engine; readonly transactions: BrokerTransactions },
  settings: KafkaDoorSettings,
  keeper: Doorkeeper,
  access: KafkaDoorAccess = {},
): Promise<OpenDoor> {
  return openDoor({
    door: "kafka",
    settings,
    environment: engine.environment,
    connectionsMax: access.limits?.connectionsMax ?? DOOR_LIMITS.connectionsMax,
    async load({ warn, advertised }) {
      const { openKafkaService } = await import("./kafka-service.ts");
      const options = { engine, transactions, keeper, warn, settings, advertised, access };
      return openKafkaService(options);
    },
  });
}

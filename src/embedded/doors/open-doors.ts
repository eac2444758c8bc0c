/** Opens the doors that a program asks for. Their code is loaded only where somebody wants them. */

import type { BrokerAddress } from "../../broker/broker.ts";
import type { BrokerDoors, DoorProtocol } from "../../broker/doors.ts";
import type { Engine } from "../engine.ts";
import type { Doorkeeper } from "./doorkeeper.ts";
import { requireSafe } from "./listen-settings.ts";

/** In these protocols the embedded broker lets others in. */
export const DOORS: readonly DoorProtocol[] = ["kafka"];

export interface Door extends BrokerAddress {
  close(): Promise<void>;
}

/** What was opened is closed again if the next cannot be. Throws BAD_CONFIG. */
export async function openDoors(engine: Engine, doors: BrokerDoors): Promise<readonly Door[]> {
  const { kafka } = doors;
  if (kafka === undefined) return [];
  requireSafe("kafka", kafka, doors.signIn !== undefined);
  const { Doorkeeper: Keeper } = await import("./doorkeeper.ts");
  const keeper: Doorkeeper = new Keeper(doors, engine.environment);
  const { openKafkaDoor } = await import("../kafka/kafka-door.ts");
  return [{ protocol: "kafka", ...(await openKafkaDoor(engine, kafka, keeper)) }];
}

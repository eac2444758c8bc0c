/** Opens the doors that a program asks for. Their code is loaded only where somebody wants them. */

import type { BrokerAddress } from "../../broker/broker.ts";
import type { BrokerDoors, DoorProtocol } from "../../broker/doors.ts";
import type { AmqpDoorAccess } from "../amqp/amqp-door.ts";
import type { BrokerTransactions } from "../broker-transactions.ts";
import type { Engine } from "../engine.ts";
import type { KafkaDoorAccess } from "../kafka/server/limits.ts";
import type { Doorkeeper } from "./doorkeeper.ts";
import { requireSafe } from "./door-settings.ts";
import type { OpenDoor } from "./open-door.ts";
import { allEnded, throwAfter } from "../log/endings.ts";

/** In these protocols the embedded broker lets others in. */
export const DOORS: readonly DoorProtocol[] = ["kafka", "amqp"];

export type Door = BrokerAddress & OpenDoor;

/** What tests bring and users do not. */
export interface DoorsAccess {
  readonly kafka?: KafkaDoorAccess;
  readonly amqp?: AmqpDoorAccess;
}

/** What was opened is closed again if the next cannot be. Throws BAD_CONFIG. */
export async function openDoors(
  engine: Engine,
  transactions: BrokerTransactions,
  doors: BrokerDoors,
  access: DoorsAccess = {},
): Promise<readonly Door[]> {
  const { kafka, amqp } = doors;
  if (kafka === undefined && amqp === undefined) return [];
  if (kafka !== undefined) requireSafe("kafka", kafka, doors.signIn !== undefined);
  if (amqp !== undefined) requireSafe("amqp", amqp, doors.signIn !== undefined);
  const { Doorkeeper: Keeper } = await import("./doorkeeper.ts");
  const keeper: Doorkeeper = new Keeper(doors, engine.environment);
  const opened: Door[] = [];
  try {
    if (kafka !== undefined) {
      const { openKafkaDoor } = await import("../kafka/kafka-door.ts");
      const broker = { engine, transactions };
      opened.push({
        protocol: "kafka",
        ...(await openKafkaDoor(broker, kafka, keeper, access.kafka)),
      });
    }
    if (amqp !== undefined) {
      const { openAmqpDoor } = await import("../amqp/amqp-door.ts");
      opened.push({ protocol: "amqp", ...(await openAmqpDoor(engine, amqp, keeper, access.amqp)) });
    }
    return opened;
  } catch (error) {
    return await throwAfter(error, allEnded(opened.map((door) => door.close())));
  }
}

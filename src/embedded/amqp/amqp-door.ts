/** Opens the AMQP 1.0 door: a listener on which queues and streams are addresses. */

import type { AmqpDoorSettings } from "../../broker/doors.ts";
import type { Doorkeeper } from "../doors/doorkeeper.ts";
import { openDoor, type OpenDoor } from "../doors/open-door.ts";
import type { Engine } from "../engine.ts";
import { behaviourOf, LIMITS, type AmqpLimits } from "./settings.ts";

/** What tests bring and users do not. */
export interface AmqpDoorAccess {
  readonly limits?: Partial<AmqpLimits>;
}

/** Throws BAD_CONFIG where the port is taken or not to be had, and for keys that cannot be read. */
export function openAmqpDoor(
  engine: Engine,
  settings: AmqpDoorSettings,
  keeper: Doorkeeper,
  access: AmqpDoorAccess = {},
): Promise<OpenDoor> {
  const limits = { ...LIMITS, ...access.limits };
  return openDoor({
    door: "amqp",
    settings,
    environment: engine.environment,
    connectionsMax: limits.connectionsMax,
    async load({ warn }) {
      const { openAmqpService } = await import("./amqp-service.ts");
      return openAmqpService({ engine, keeper, warn, limits, behaviour: behaviourOf(settings) });
    },
  });
}

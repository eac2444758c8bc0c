/** Opens the AMQP 1.0 door: a listener on which queues and streams are addresses. */

import type { AmqpDoorSettings } from "../../broker/doors.ts";
import type { Doorkeeper } from "../doors/doorkeeper.ts";
import { LateService } from "../doors/late-service.ts";
import { limitedWarn } from "../doors/limited-log.ts";
import { openListener } from "../doors/listener.ts";
import type { Engine } from "../engine.ts";
import { behaviourOf, LIMITS, type AmqpLimits } from "./settings.ts";

export interface OpenDoor {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** What tests bring and users do not. */
export interface AmqpDoorAccess {
  readonly limits?: Partial<AmqpLimits>;
}

/** Throws BAD_CONFIG where the port is taken or not to be had, and for keys that cannot be read. */
export async function openAmqpDoor(
  engine: Engine,
  settings: AmqpDoorSettings,
  keeper: Doorkeeper,
  access: AmqpDoorAccess = {},
): Promise<OpenDoor> {
  const { environment } = engine;
  const limits = { ...LIMITS, ...access.limits };
  const behaviour = behaviourOf(settings);
  const warn = limitedWarn(environment.clock, environment.log);
  const listener = await openListener({
    door: "amqp",
    settings,
    connectionsMax: limits.connectionsMax,
    warn,
    onConnection: (socket) => service.add(socket),
  });
  const service = new LateService({
    door: "amqp",
    environment,
    async load() {
      const { openAmqpService } = await import("./amqp-service.ts");
      return openAmqpService({ engine, keeper, warn, limits, behaviour });
    },
  });
  return {
    ...listener.advertised,
    async close() {
      const ended = listener.close();
      await service.stop();
      await ended;
    },
  };
}

/** Opens the AMQP 1.0 door: a listener on which queues and streams are addresses. */

import type { AmqpDoorSettings } from "../../broker/doors.ts";
import type { Doorkeeper } from "../doors/doorkeeper.ts";
import { limitedWarn } from "../doors/limited-log.ts";
import { openListener } from "../doors/listener.ts";
import type { Engine } from "../engine.ts";
import { AmqpConnection } from "./connection.ts";
import type { DoorContext } from "./door-context.ts";
import { Undeliverable } from "./links/undeliverable.ts";
import { Subscriptions } from "./nodes/subscriptions.ts";
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
  const { clock, log } = engine.environment;
  const limits = { ...LIMITS, ...access.limits };
  const behaviour = behaviourOf(settings);
  const warn = limitedWarn(clock, log);
  const connections = new Set<AmqpConnection>();
  const subscriptions = new Subscriptions(engine, limits.subscriptionsMax);
  const context: DoorContext = {
    engine,
    keeper,
    limits,
    behaviour,
    subscriptions,
    undeliverable: new Undeliverable(clock, behaviour.undeliverableMs),
    shownLetters: new Map(),
    warn,
    holders: new Map(),
  };
  try {
    const listener = await openListener({
      door: "amqp",
      settings,
      connectionsMax: limits.connectionsMax,
      warn,
      onConnection(socket) {
        const connection = new AmqpConnection(socket, context);
        connections.add(connection);
        void connection.closed.then(() => connections.delete(connection));
      },
    });
    return {
      ...listener.advertised,
      async close() {
        const ended = listener.close();
        const closing = [...connections].map((connection) => connection.closed);
        for (const connection of connections) connection.close();
        await Promise.all([ended, ...closing]);
        await subscriptions.close();
      },
    };
  } catch (error) {
    await subscriptions.close();
    throw error;
  }
}

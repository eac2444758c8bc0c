/** What serves the connections of the AMQP door, and feeds its durable subscriptions. */

import type { Doorkeeper } from "../doors/doorkeeper.ts";
import type { ConnectionService } from "../doors/late-service.ts";
import type { Warn } from "../doors/limited-log.ts";
import type { Engine } from "../engine.ts";
import { AmqpConnection } from "./connection.ts";
import type { DoorContext } from "./door-context.ts";
import { Undeliverable } from "./links/undeliverable.ts";
import { Subscriptions } from "./nodes/subscriptions.ts";
import type { AmqpBehaviour, AmqpLimits } from "./settings.ts";

export interface AmqpServiceOptions {
  readonly engine: Engine;
  readonly keeper: Doorkeeper;
  readonly warn: Warn;
  readonly limits: AmqpLimits;
  readonly behaviour: AmqpBehaviour;
}

export function openAmqpService(options: AmqpServiceOptions): ConnectionService {
  const { engine, keeper, warn, limits, behaviour } = options;
  const connections = new Set<AmqpConnection>();
  const subscriptions = new Subscriptions(engine, limits.subscriptionsMax);
  const context: DoorContext = {
    engine,
    keeper,
    limits,
    behaviour,
    subscriptions,
    undeliverable: new Undeliverable(engine.environment.clock, behaviour.undeliverableMs),
    shownLetters: new Map(),
    warn,
    holders: new Map(),
  };
  return {
    add(socket) {
      const connection = new AmqpConnection(socket, context);
      connections.add(connection);
      void connection.closed.then(() => connections.delete(connection));
    },
    async stop() {
      const closing = [...connections].map((connection) => connection.closed);
      for (const connection of connections) connection.close();
      await Promise.all(closing);
      await subscriptions.close();
    },
  };
}

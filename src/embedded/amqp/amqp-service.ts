/**
 * What serves the connections of the AMQP door, and feeds its durable subscriptions.
 *
 * A client that takes nothing of what it was sent is cut off. While a connection waits for memory that
 * others hold, those that hold some and stand still are closed, the longest first, until half of it is free.
 */

import type { Timer } from "../../model/clock.ts";
import { ByteBudget } from "../doors/byte-budget.ts";
import type { Doorkeeper } from "../doors/doorkeeper.ts";
import type { ConnectionService } from "../doors/late-service.ts";
import type { Warn } from "../doors/limited-log.ts";
import { Turns } from "../doors/turns.ts";
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
    budget: new ByteBudget(limits),
    turns: new Turns(engine.environment.clock, limits.turnMax),
    links: { count: 0 },
  };
  const { clock } = engine.environment;
  let sweep: Timer | undefined;
  const sweepLater = (): Timer =>
    clock.after(limits.sweepMs, () => {
      endStalled(connections, context);
      sweep = connections.size === 0 ? undefined : sweepLater();
    });
  return {
    add(socket) {
      const connection = new AmqpConnection(socket, context);
      connections.add(connection);
      sweep ??= sweepLater();
      void connection.closed.then(() => connections.delete(connection));
    },
    async stop() {
      sweep?.cancel();
      const closing = [...connections].map((connection) => connection.closed);
      for (const connection of connections) connection.close();
      await Promise.all(closing);
      await subscriptions.close();
    },
  };
}

function endStalled(
  connections: ReadonlySet<AmqpConnection>,
  { engine, limits, budget }: DoorContext,
): void {
  const nowMs = engine.environment.clock.monotonic();
  // All are looked at, so that for each it is known since when.
  const looked = [...connections].map((connection) => ({
    connection,
    ...connection.standstill(nowMs),
  }));
  for (const { connection, untakenMs } of looked) {
    if (untakenMs >= limits.stalledMs) connection.cutOff();
  }
  if (!budget.short) return;
  const stalled = looked
    .filter(({ ms }) => ms >= limits.stalledShortMs)
    .toSorted((a, b) => b.ms - a.ms);
  let heldBytes = budget.usedBytes;
  for (const { connection } of stalled) {
    if (heldBytes <= limits.bytesMax / 2) return;
    heldBytes -= connection.heldBytes;
    connection.giveUp();
  }
}

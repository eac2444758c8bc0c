/** What the connections of the AMQP door share. */

import type { ByteBudget } from "../doors/byte-budget.ts";
import type { Doorkeeper } from "../doors/doorkeeper.ts";
import type { Warn } from "../doors/limited-log.ts";
import type { Turns } from "../doors/turns.ts";
import type { Engine } from "../engine.ts";
import type { ShownLetters } from "./links/dead-letter-source.ts";
import type { Undeliverable } from "./links/undeliverable.ts";
import type { Subscriptions } from "./nodes/subscriptions.ts";
import type { AmqpBehaviour, AmqpLimits } from "./settings.ts";

export interface DoorContext {
  readonly engine: Engine;
  readonly keeper: Doorkeeper;
  readonly limits: AmqpLimits;
  readonly behaviour: AmqpBehaviour;
  readonly subscriptions: Subscriptions;
  readonly undeliverable: Undeliverable;
  readonly shownLetters: ShownLetters;
  readonly warn: Warn;
  readonly budget: ByteBudget;
  readonly turns: Turns;
  /** Links of all connections. */
  readonly links: { count: number };
  /** Takes the links of a durable subscription from whoever holds it. */
  readonly holders: Map<string, () => void>;
}

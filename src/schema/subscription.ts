/** `subscription`: a queue that one reader has of a stream's events. */

import { queueSettings, QUEUE_OPTIONS, type QueueOptions } from "./channel.ts";
import type {
  Attributes,
  AttributeMatch,
  EventTypes,
  OutputOf,
  RoutingFacts,
  StreamDeclaration,
  SubscriptionDeclaration,
} from "./declaration.ts";
import { checkName, checkOptionNames, refuse } from "./refusal.ts";
import { checkChange, checkCondition, typesNamed } from "./routing.ts";

/** The payload of any of a stream's events; `facts.type` tells which. */
export type DataOfAny<Events extends EventTypes> = OutputOf<Events[keyof Events]>;

export interface SubscriptionOptions<Events extends EventTypes> extends QueueOptions {
  /** The stream whose events it carries. */
  readonly from: StreamDeclaration<Events>;
  /** The events that it admits: names of handlers, wire types, or `order.*`; all unless said. */
  readonly types?: readonly string[];
  /** What must hold besides. A function of the payload means that every payload is decoded. */
  readonly where?:
    | AttributeMatch
    | ((data: DataOfAny<NoInfer<Events>>, facts: RoutingFacts) => boolean);
  /** Attributes to add, or to put in the place of others: handlers get them as `attributes`. */
  readonly set?:
    | Attributes
    | ((data: DataOfAny<NoInfer<Events>>, facts: RoutingFacts) => Attributes);
  /**
   * `router`: nothing comes into it by itself, only what rules of a router send there; then `types`,
   * `where` and `set` stand in the rules.
   */
  readonly by?: "subscription" | "router";
}

/** Leaves room for the name of the part that feeds it. */
const NAME_LENGTH_MAX = 90;

/**
 * Declares a subscription. The service that reads it feeds it, beginning at the stream's earliest
 * event, by a part of its own that its status shows as `NAME.feed`. Events come in as copies: with an
 * id of their own, the original's as causation, and an unchanged payload.
 *
 * A queue keeps no order across keys, and within a key only with `keyOrder`.
 *
 * Throws BAD_DECLARATION for a bad name, an option out of range, a type that the stream does not carry
 * and an attribute that no envelope can hold.
 */
export function subscription<const Events extends EventTypes>(
  name: string,
  options: SubscriptionOptions<Events>,
): SubscriptionDeclaration<Events> {
  checkName(name, "subscription");
  const what = `subscription "${name}"`;
  if (name.length > NAME_LENGTH_MAX) {
    refuse(
      `the name of ${what} has ${name.length} characters; at most ${NAME_LENGTH_MAX} are allowed`,
    );
  }
  checkOptionNames(options, what, ["from", "types", "where", "set", "by", ...QUEUE_OPTIONS]);
  const { from, types, where, set, by = "subscription", ...queueOptions } = options;
  if (from?.kind !== "stream") {
    refuse(`${what} has no stream; name the one whose events it carries in from`);
  }
  if (by !== "subscription" && by !== "router") {
    refuse(`by of ${what} is ${JSON.stringify(by)}; write "router", or leave it out`);
  }
  if (by === "router" && (types ?? where ?? set) !== undefined) {
    refuse(`${what} is fed by a router; move types, where and set into the router's rule`);
  }
  if (where !== undefined) checkCondition(`where of ${what}`, where);
  if (set !== undefined) checkChange(`set of ${what}`, set);
  return Object.freeze({
    kind: "queue",
    name,
    types: from.types,
    ...queueSettings(what, queueOptions),
    feed: Object.freeze({
      stream: from,
      by,
      admits: typesNamed(what, from.types, types),
      ...(where !== undefined && { where }),
      ...(set !== undefined && { set }),
    }),
  });
}

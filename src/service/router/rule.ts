/**
 * The rules of a router: what users write, and what it is compiled to when the router is declared. A
 * rule that could never do what it says is refused there, with its number and the reason.
 */

import { MillraceError } from "../../model/errors.ts";
import type { Draft } from "../../model/message.ts";
import {
  type AttributeChange,
  type AttributeMatch,
  type Attributes,
  type EventTypes,
  isSubscription,
  type MessageType,
  type QueueChannel,
  type RoutingCondition,
  type RoutingFacts,
  type StreamDeclaration,
} from "../../schema/declaration.ts";
import { checkChange, checkMatch, typesNamed } from "../../schema/routing.ts";
import type { OutgoingMessage } from "../../store/write-set.ts";
import { checkOptions } from "../declaration-checks.ts";
import type { Sink, SinkContext } from "./sink.ts";

/** What a function that a rule names gets beside the payload. */
export interface RouteContext extends RoutingFacts, SinkContext {
  /** 1 at the first try. */
  readonly attempt: number;
}

/** Called for each message that its rule takes; what it throws counts as a handler's failure does. */
export type RouteFunction<Data = any> = (data: Data, context: RouteContext) => void | Promise<void>;

/** A stream (which the routing service then owns), a queue, a subscription, a sink or a function. */
export type RouteTarget<Data = any> = StreamDeclaration | QueueChannel | Sink | RouteFunction<Data>;

export interface RouterRule<Data = any> {
  /** Tells it from others in texts and idempotency keys; needed where two deliver to functions of one name. */
  readonly name?: string;
  /** All that is given must hold; a rule without it takes everything. */
  readonly when?: {
    /** Names of handlers, wire types, or `order.*`. */
    readonly types?: readonly string[];
    readonly attributes?: AttributeMatch;
    /** Decodes the payload of every message that the rest of the rule admits. */
    readonly where?: (data: Data, facts: RoutingFacts) => boolean;
  };
  readonly to: RouteTarget<Data>;
  /** Attributes of the forwarded copy. */
  readonly set?: AttributeChange<Data>;
  /** What goes out in place of a copy: a command for a queue, an event of another type for a stream. */
  readonly as?: (data: Data, facts: RoutingFacts) => Draft;
}

/** What is done with a message that a rule takes. */
export type Route =
  | {
      readonly kind: "forward";
      readonly target: OutgoingMessage["target"];
      readonly channel: StreamDeclaration | QueueChannel;
      readonly set: AttributeChange | undefined;
      readonly as: RouterRule["as"];
    }
  | {
      readonly kind: "call";
      /** Unique in its router. */
      readonly name: string;
      readonly to: Sink | RouteFunction;
    };

export interface CompiledRule {
  /** How texts name it. */
  readonly what: string;
  readonly types: ReadonlySet<string>;
  readonly attributes: AttributeMatch | undefined;
  readonly where: ((data: any, facts: RoutingFacts) => unknown) | undefined;
  readonly route: Route;
}

/** Throws BAD_DECLARATION with the rule's number (from 1), its name where it has one, and the reason. */
export function compileRule(
  router: string,
  number: number | "otherwise",
  rule: RouterRule,
  from: readonly StreamDeclaration[],
): CompiledRule {
  const named = typeof rule?.name === "string" ? ` ("${rule.name}")` : "";
  const what =
    number === "otherwise" ? `otherwise of ${router}` : `rule ${number}${named} of ${router}`;
  if (typeof rule !== "object" || rule === null) refuseRule(what, "is no rule; write { when, to }");
  checkOptions(rule, what, ["name", "when", "to", "set", "as"]);
  const { when = {}, set, as } = rule;
  checkOptions(when, `when of ${what}`, ["types", "attributes", "where"]);
  const { attributes, where } = when;
  if (attributes !== undefined) checkMatch(`attributes of ${what}`, attributes);
  if (where !== undefined && typeof where !== "function") {
    refuseRule(what, "has a where that is no function; for attributes write when.attributes");
  }
  if (set !== undefined) checkChange(`set of ${what}`, set);
  if (as !== undefined && typeof as !== "function")
    refuseRule(what, "has an as that is no function");
  const types = typesNamed(what, typesOf(from), when.types);
  return { what, types, attributes, where, route: routeOf(what, number, rule, from, types) };
}

export function typesOf(from: readonly StreamDeclaration[]): EventTypes {
  return Object.fromEntries(from.flatMap(({ types }) => Object.entries(types)));
}

function routeOf(
  what: string,
  number: number | "otherwise",
  { name, to, set, as }: RouterRule,
  from: readonly StreamDeclaration[],
  types: ReadonlySet<string>,
): Route {
  if (typeof to === "function" || to?.kind === "sink") {
    if (set !== undefined || as !== undefined) {
      refuseRule(
        what,
        "delivers outside and changes the message by set or as; do that in the target",
      );
    }
    const own = typeof to === "function" ? to.name : `sink ${to.name}`;
    return {
      kind: "call",
      name: name ?? (own === "" || own === "to" ? `rule ${number}` : own),
      to,
    };
  }
  if (to?.kind !== "stream" && to?.kind !== "queue") {
    refuseRule(what, "leads nowhere; give a stream, queue, subscription, sink or function in to");
  }
  if (as !== undefined && set !== undefined) {
    refuseRule(what, "has both set and as; set is for copies, a draft carries its data alone");
  }
  if (to.kind === "stream" && from.includes(to)) {
    refuseRule(
      what,
      `leads back into stream "${to.name}", which the router reads: it would never end`,
    );
  }
  if (as === undefined) refuseUncarried(what, to, typesOf(from), types);
  if (isSubscription(to) && to.feed.by !== "router") {
    refuseRule(
      what,
      `leads to subscription "${to.name}", which feeds itself; declare it with by: "router"`,
    );
  }
  const target = { kind: to.kind, name: to.name };
  return { kind: "forward", target, channel: to, set, as };
}

/** Its readers could do nothing with such a message but park it. */
function refuseUncarried(
  what: string,
  to: StreamDeclaration | QueueChannel,
  declared: EventTypes,
  types: ReadonlySet<string>,
): void {
  const carried = new Set<MessageType>(Object.values(to.types));
  const stray = Object.values(declared).find((each) => types.has(each.type) && !carried.has(each));
  if (stray === undefined) return;
  const remedy =
    to.kind === "queue" && !isSubscription(to)
      ? `give the rule as: (event) => command, or lead it to a subscription`
      : `narrow when.types, or add the type there`;
  refuseRule(
    what,
    `takes "${stray.type}", which ${to.kind} "${to.name}" does not carry; ${remedy}`,
  );
}

function refuseRule(what: string, why: string): never {
  throw new MillraceError("BAD_DECLARATION", `${what} ${why}`);
}

/** Throws BAD_MESSAGE where the payload cannot be decoded, and what the condition throws. */
export function holds(
  { what, attributes, where }: Pick<CompiledRule, "what" | "attributes" | "where">,
  data: () => unknown,
  facts: RoutingFacts,
  matches: (match: AttributeMatch, attributes: Attributes) => boolean,
): boolean {
  if (attributes !== undefined && !matches(attributes, facts.attributes)) return false;
  if (where === undefined) return true;
  const answer = where(data(), facts);
  if (typeof answer === "boolean") return answer;
  throw new TypeError(`where of ${what} returned ${String(answer)}; return true or false`);
}

/** The rule that a subscription's own filter and action are. */
export function conditionOf(condition: RoutingCondition | undefined): RouterRule["when"] & {} {
  if (condition === undefined) return {};
  return typeof condition === "function" ? { where: condition } : { attributes: condition };
}

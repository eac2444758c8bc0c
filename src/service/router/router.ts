/** `router`: rules from streams to streams, queues, sinks and functions. */

import type { EventTypes, OutputOf, StreamDeclaration } from "../../schema/declaration.ts";
import type { ItemOf } from "../consumer/handler-types.ts";
import {
  checkConcurrency,
  checkOptions,
  checkPartName,
  listOf,
  policyOf,
  refuse,
} from "../declaration-checks.ts";
import type { FailurePolicy, Part } from "../part.ts";
import { RouterWorker } from "./router-worker.ts";
import {
  compileRule,
  typesOf,
  type CompiledRule,
  type RouterRule,
  type RouteTarget,
} from "./rule.ts";

export interface Router extends Part {
  readonly partKind: "router";
}

type Streams = StreamDeclaration | readonly StreamDeclaration[];
type TypesIn<From> = ItemOf<From> extends StreamDeclaration<infer Types> ? Types : never;
type DataIn<Types> = Types extends EventTypes ? OutputOf<Types[keyof Types]> : never;

export interface RouterOptions<From extends Streams> {
  readonly from: From;
  /** At least one; asked in this order. */
  readonly rules: readonly RouterRule<DataIn<TypesIn<NoInfer<From>>>>[];
  /** `first`, unless said: a message goes by the first rule that takes it. `all`: by every such rule. */
  readonly mode?: "first" | "all";
  /** Where messages go that no rule takes; `count`, unless said: nowhere, and its status counts them. */
  readonly otherwise?: "count" | RouteTarget<DataIn<TypesIn<NoInfer<From>>>>;
  readonly policy?: Partial<FailurePolicy>;
  /** Keys worked on at one time, per partition; 64 unless said. */
  readonly concurrency?: number;
  /** Where it begins on a stream that it never read; `earliest` unless said. */
  readonly start?: "earliest" | "latest";
}

const CONCURRENCY = 64;

/**
 * Declares a router. A message that is forwarded becomes a copy: stamped by the routing service, caused
 * by the original, with key, time, actor, trace and payload as they were. Rules that ask for types and
 * attributes alone never decode a payload. Messages of one key keep their order on the way to a
 * stream.
 *
 * Functions and sinks are called as a consumer's handlers are, under the router's failure policy, and
 * always with the same idempotency key for one message and target.
 *
 * Throws BAD_DECLARATION for a rule that could not work, with its number and the reason.
 */
export function router<const From extends Streams>(
  name: string,
  options: RouterOptions<From>,
): Router {
  checkPartName(name, "router");
  const what = `router "${name}"`;
  checkOptions(options, what, [
    "from",
    "rules",
    "mode",
    "otherwise",
    "policy",
    "concurrency",
    "start",
  ]);
  const { mode = "first", otherwise = "count", concurrency = CONCURRENCY } = options;
  const { start = "earliest" } = options;
  if (mode !== "first" && mode !== "all") {
    refuse(`mode of ${what} is ${JSON.stringify(mode)}; write "first" or "all"`);
  }
  checkConcurrency(what, concurrency);
  const from = listOf<StreamDeclaration>(options.from);
  if (from.length === 0 || from.some((each) => each?.kind !== "stream")) {
    refuse(`${what} reads from something that is no stream; name streams in from`);
  }
  if (!Array.isArray(options.rules) || options.rules.length === 0) {
    refuse(`${what} has no rules; give at least one: { when: { types: ["order.*"] }, to: … }`);
  }
  const rules = options.rules.map((rule, index) => compileRule(what, index + 1, rule, from));
  const rest =
    otherwise === "count" ? undefined : compileRule(what, "otherwise", { to: otherwise }, from);
  refuseSharedCalls(rest === undefined ? rules : [...rules, rest]);
  return Object.freeze<Router>({
    ...routingPart({ name, from, rules, mode, otherwise: rest }),
    partKind: "router",
    policy: policyOf(what, options.policy),
    concurrency,
    start,
  });
}

/** What routers and the parts that feed subscriptions have in common. */
export function routingPart(facts: {
  readonly name: string;
  readonly from: readonly StreamDeclaration[];
  readonly rules: readonly CompiledRule[];
  readonly mode: "first" | "all";
  readonly otherwise: CompiledRule | undefined;
}): Omit<Part, "partKind" | "policy" | "concurrency" | "start"> {
  const { name, from, rules, mode, otherwise } = facts;
  const all = otherwise === undefined ? rules : [...rules, otherwise];
  const targets = new Set(
    all.flatMap(({ route }) => (route.kind === "forward" ? [route.channel] : [])),
  );
  return {
    name,
    consumer: name,
    from,
    // All of them come by, so that those that no rule takes are counted.
    handles: new Set(Object.values(typesOf(from)).map(({ type }) => type)),
    publishes: [...targets].filter((target) => target.kind === "stream"),
    sends: [...targets].filter((target) => target.kind === "queue"),
    collections: [],
    pure: all.every(({ route }) => route.kind === "forward"),
    undecoded: true,
    createWorker: ({ clock }) => new RouterWorker({ name, rules, mode, otherwise, clock }),
  };
}

/** Two deliveries of one name would share an idempotency key and a recorded answer. */
function refuseSharedCalls(rules: readonly CompiledRule[]): void {
  const taken = new Map<string, string>();
  for (const { what, route } of rules) {
    if (route.kind !== "call") continue;
    const earlier = taken.get(route.name);
    if (earlier !== undefined) {
      refuse(`${earlier} and ${what} both deliver as "${route.name}"; give each a name of its own`);
    }
    taken.set(route.name, what);
  }
}

/** `decider`: commands to events, over the state that earlier events have led to. */

import type { Evolve } from "../model/fold.ts";
import type {
  CommandType,
  EventType,
  EventTypes,
  MessageType,
  StreamDeclaration,
} from "../schema/declaration.ts";
import {
  checkConcurrency,
  checkOptions,
  checkPartName,
  handlersByType,
  listOf,
  policyOf,
  refuse,
} from "../service/declaration-checks.ts";
import { collectionsOf, type DocumentDeclaration } from "../service/consumer/document.ts";
import type { Part } from "../service/part.ts";
import type { DeciderRules } from "./decider-rules.ts";
import type {
  Deciders,
  DeciderSettings,
  DeciderShape,
  DomainHandlers,
  DomainOptions,
  Evolvers,
  KnownDeciderOptions,
  Publications,
} from "./decider-types.ts";
import { DeciderWorker } from "./decider-worker.ts";
import { entityFold } from "./historic-state.ts";

export interface Decider<Shape extends DeciderShape = any, State = any> extends Part {
  readonly partKind: "decider";
  readonly events: Shape["events"];
  readonly initial: State;
  /** What it decides and folds, without anything that keeps it. */
  readonly rules: DeciderRules<State>;
  /**
   * Maps private events to public ones, which a stream of `publishes` carries. Throws BAD_DECLARATION
   * for an event that is published as it is, or mapped already.
   */
  publish(publications: Publications<Shape, State>): Decider<Shape, State>;
  /**
   * Handles its events in the unit of work that decides them: what the handlers put and emit is
   * committed with the events or not at all, and a handler that throws makes the command fail.
   */
  on<Options extends DomainOptions>(
    handlers: DomainHandlers<Shape["events"], Options>,
    options?: Options,
  ): Decider<Shape, State>;
}

export interface DeciderBeginning<Shape extends DeciderShape, State> {
  /** Gives the folds, by the names of the events. */
  evolve(evolvers: Evolvers<Shape["events"], State>): DeciderWithState<Shape, State>;
}

export interface DeciderWithState<Shape extends DeciderShape, State> {
  /** Gives the decisions, by the names of the commands. Pure: they may run again. */
  decide(deciders: Deciders<Shape, State>): Decider<Shape, State>;
}

/** Decisions do not wait, so this bounds only how much is read together. */
const CONCURRENCY = 1024;

/**
 * Declares a decider: the only writer of its entities, one for each key of its commands.
 *
 * Its events are private to the service's store; those that a stream of `publishes` carries go there
 * too. The state's type is that of `initial`. Commands of one entity are decided one after another,
 * each on the state that the one before it left, whatever process decides them.
 *
 * Throws BAD_DECLARATION where the declaration contradicts itself.
 */
export function decider<Shape extends DeciderShape, State>(
  name: string,
  options: Shape & DeciderSettings<State> & KnownDeciderOptions<Shape>,
): DeciderBeginning<Shape, State> {
  checkPartName(name, "decider");
  const what = `decider "${name}"`;
  checkOptions(options, what, [
    "commands",
    "events",
    "publishes",
    "initial",
    "policy",
    "concurrency",
  ]);
  const { commands, events, initial }: DeciderShape & DeciderSettings<State> = options;
  const { concurrency = CONCURRENCY } = options;
  checkConcurrency(what, concurrency);
  if (commands?.kind !== "queue" || "feed" in commands) {
    refuse(`${what} takes its commands from a queue; pass what queue() returns`);
  }
  for (const command of Object.values(commands.types)) {
    if (command.key !== undefined) continue;
    refuse(
      `${what} decides on entities by key, and the command "${command.type}" has none; give its declaration a key`,
    );
  }
  const streams = listOf<StreamDeclaration>(options.publishes);
  const published = publishedTypes(what, events, streams);
  const policy = policyOf(what, options.policy);
  const source = { kind: "decider", name, types: events } as const;
  return {
    evolve: (evolvers) => {
      const folds = handlersByType<Evolve<State, any>>(what, [source], evolvers);
      return {
        decide: (deciders) => {
          const decides = handlersByType<(...args: any) => unknown>(what, [commands], deciders);
          const rules = {
            name,
            commands,
            events,
            initial,
            commandTypes: byWireType<CommandType>(Object.values(commands.types)),
            eventTypes: byWireType<EventType>(Object.values(events)),
            folds,
            decides,
            published,
            publications: new Map(),
            handlers: new Map(),
            docs: {},
          };
          return build<Shape, State>({ rules, streams, sends: [], policy, concurrency });
        },
      };
    },
  };
}

function byWireType<Type extends MessageType>(types: readonly Type[]): ReadonlyMap<string, Type> {
  return new Map(types.map((type) => [type.type, type]));
}

interface DeciderFacts<State> extends Pick<Part, "policy" | "concurrency" | "sends"> {
  readonly rules: DeciderRules<State>;
  readonly streams: readonly StreamDeclaration[];
}

function build<Shape extends DeciderShape, State>(
  facts: DeciderFacts<State>,
): Decider<Shape, State> {
  const { rules, streams, sends, policy, concurrency } = facts;
  const { name, commands, events, initial, docs } = rules;
  const what = `decider "${name}"`;
  const source = { kind: "decider", name, types: events } as const;
  return Object.freeze<Decider<Shape, State>>({
    partKind: "decider",
    name,
    consumer: name,
    from: [commands],
    handles: new Set(rules.decides.keys()),
    appends: Object.values<EventType>(events),
    publishes: streams,
    sends,
    collections: collectionsOf(docs),
    policy,
    concurrency,
    pure: true,
    start: "earliest",
    entityFold: entityFold(rules),
    createWorker: () => new DeciderWorker<State>(rules),
    events,
    initial,
    rules,
    publish: (publications) => {
      const byType = handlersByType<(...args: any) => unknown>(what, [source], publications);
      for (const type of byType.keys()) {
        if (rules.published.has(type)) {
          refuse(`${what} publishes "${type}" as it is; leave it out of publish`);
        }
        if (rules.publications.has(type)) refuse(`${what} maps "${type}" twice; keep one`);
      }
      if (streams.length === 0) {
        refuse(`${what} publishes nowhere; name the stream of the public events in publishes`);
      }
      const merged = new Map([...rules.publications, ...byType]);
      return build<Shape, State>({ ...facts, rules: { ...rules, publications: merged } });
    },
    on: (handlers, options) => {
      const given: DomainOptions = options ?? {};
      checkOptions(given, `on of ${what}`, ["docs", "publishes", "sends"]);
      const byType = handlersByType<(...args: any) => unknown>(what, [source], handlers);
      if (rules.handlers.size > 0) refuse(`${what} has two calls of on; give all handlers in one`);
      const domainDocs: Readonly<Record<string, DocumentDeclaration>> = given.docs ?? {};
      return build<Shape, State>({
        ...facts,
        streams: [...new Set([...streams, ...listOf<StreamDeclaration>(given.publishes)])],
        sends: listOf(given.sends),
        rules: { ...rules, handlers: byType, docs: domainDocs },
      });
    },
  });
}

/** The wire types of the events that the streams carry as they are. */
function publishedTypes(
  what: string,
  events: EventTypes,
  streams: readonly StreamDeclaration[],
): ReadonlySet<string> {
  const own = new Map<string, EventType>();
  for (const [name, type] of Object.entries(events)) {
    if (type?.kind !== "event") refuse(`${what} has ${name} among its events, which is none`);
    if (own.has(type.type)) refuse(`${what} has the type "${type.type}" twice; remove one`);
    own.set(type.type, type);
  }
  if (own.size === 0) refuse(`${what} has no events; name at least one`);
  const published = new Set<string>();
  for (const stream of streams) {
    for (const type of Object.values(stream.types)) {
      const event = own.get(type.type);
      if (event === undefined) continue;
      if (event !== type) {
        refuse(
          `${what} and stream "${stream.name}" declare "${type.type}" each for itself; use one declaration in both`,
        );
      }
      if (published.has(type.type)) {
        refuse(`${what} publishes "${type.type}" to two streams; name one of them`);
      }
      published.add(type.type);
    }
  }
  return published;
}

/** `saga`: a process that follows events, sends commands, sets timers, and undoes what it began. */

import type { Evolve } from "../model/fold.ts";
import type { QueueDeclaration, StreamDeclaration, TimerType } from "../schema/declaration.ts";
import {
  checkOptions,
  checkPartName,
  handlersByType,
  listOf,
  policyOf,
  refuse,
} from "../service/declaration-checks.ts";
import { documentJson } from "../service/document-json.ts";
import type { Part } from "../service/part.ts";
import { REPLY_TYPE } from "../service/ask/reply-message.ts";
import type {
  Answers,
  DistinctHandlers,
  Evolvers,
  OutputsIn,
  Reactions,
  SagaChannels,
  SagaOptions,
  SagaOutputs,
  SagaStreams,
} from "./handler-types.ts";
import { describeInstance, retryTimer } from "./saga-inspection.ts";
import type { AnswerHandler, ReactHandler, SagaRules } from "./saga-rules.ts";
import { Retry, StepDeadline } from "./saga-timers.ts";
import { SagaWorker } from "./saga-worker.ts";

export interface Saga extends Part {
  readonly partKind: "saga";
  /** Its declaration as the machine takes it, for tests and tools. */
  readonly rules: SagaRules;
}

export interface SagaBeginning<Channels extends SagaChannels, State> {
  /** Gives the folds, by the names of the events and timers. */
  evolve(evolvers: Evolvers<Channels, State>): EvolvedSaga<Channels, State>;
}

export interface EvolvedSaga<Channels extends SagaChannels, State> {
  /** Gives the reactions, by the names of the events and timers. They see the state after its fold. */
  react(reactions: Reactions<Channels, State>): AnswerableSaga<Channels, State>;
}

export interface AnswerableSaga<Channels extends SagaChannels, State> extends Saga {
  /**
   * The same saga, with handlers for the answers of steps, by the names of their commands. A command
   * that is refused and has no handler here aborts the saga.
   */
  answers(answers: Answers<Channels, State>): Saga;
}

/** Instances worked on at one time, per input: folds and reactions do not wait. */
const CONCURRENCY = 256;
const OPTIONS = [
  "from",
  "timers",
  "sends",
  "initial",
  "id",
  "starts",
  "version",
  "upcast",
  "policy",
] as const;

/**
 * Declares a saga. Its state's type is that of `initial`; the folds and reactions follow.
 *
 * An instance's state, the commands that it sends and the timers that it sets take effect together,
 * once, in the order in which its messages came.
 *
 * Throws BAD_DECLARATION where the declaration contradicts itself.
 */
export function saga<From extends SagaStreams, State, Outputs extends SagaOutputs>(
  name: string,
  options: SagaOptions<From, State> &
    OutputsIn<Outputs> &
    NoInfer<DistinctHandlers<Outputs & { readonly from: From }>>,
): SagaBeginning<Outputs & { readonly from: From }, State> {
  checkPartName(name, "saga");
  const what = `saga "${name}"`;
  checkOptions(options, what, OPTIONS);
  const given: Given = options;
  return {
    evolve: (evolvers) => ({
      react: (reactions) => {
        const declared = { name, what, given, evolvers, reactions };
        return Object.freeze({
          ...createSaga(declared),
          answers: (answers: Handlers) => Object.freeze(createSaga({ ...declared, answers })),
        });
      },
    }),
  };
}

type Handlers = Readonly<Record<string, ((...given: any[]) => any) | undefined>>;

/** The options, without the types that hold them together. */
type Given = SagaOptions<any, any> & {
  readonly [Name in keyof SagaOutputs]: SagaOutputs[Name] | undefined;
};

interface Declared {
  readonly name: string;
  readonly what: string;
  readonly given: Given;
  readonly evolvers: Handlers;
  readonly reactions: Handlers;
  readonly answers?: Handlers;
}

function createSaga(declared: Declared): Saga {
  const { name, what, given } = declared;
  const from = listOf<StreamDeclaration>(given.from);
  const sends = listOf<QueueDeclaration>(given.sends);
  const timers = timersOf(what, given.timers ?? {}, from);
  const rules = rulesOf(declared, from, sends);
  const instanceIds = idsOf(what, from, given.id ?? {}, rules);
  const collection = `saga.${name}`;
  const handled = new Set([...rules.evolve.keys(), ...rules.react.keys()]);
  for (const { type } of timers) {
    if (!handled.has(type))
      refuse(`${what} declares the timer "${type}" and has no handler for it`);
  }
  const own = sends.length === 0 ? [] : [StepDeadline, Retry];
  const ownTypes = sends.length === 0 ? [] : [REPLY_TYPE, StepDeadline.type, Retry.type];
  return {
    partKind: "saga",
    name,
    consumer: name,
    from,
    timers: [...timers, ...own],
    answered: sends.length > 0,
    handles: new Set([...handled, ...ownTypes]),
    publishes: [],
    sends,
    collections: [{ name: collection, index: ["status"] }],
    ownCollection: collection,
    instances: { collection, describe: describeInstance, retry: retryTimer },
    needs: ["replay"],
    policy: policyOf(what, given.policy),
    concurrency: CONCURRENCY,
    pure: true,
    keepsRaw: sends.length > 0,
    start: "earliest",
    rules,
    createWorker: () => new SagaWorker({ rules, consumer: name, collection, instanceIds }),
  };
}

function rulesOf(
  { what, given, evolvers, reactions, answers = {} }: Declared,
  from: readonly StreamDeclaration[],
  sends: readonly QueueDeclaration[],
): SagaRules {
  const { initial, version = 1, upcast = {}, starts, timers = {} } = given;
  checkVersions(what, version, upcast);
  // Refused here rather than at the first event: a state that JSON cannot hold.
  documentJson(initial);
  const evolve = byType<Evolve<any, any>>(what, from, timers, evolvers);
  const react = byType<ReactHandler>(what, from, timers, reactions);
  return Object.freeze<SagaRules>({
    what,
    initial,
    version,
    upcast,
    starts: starts && startTypes(what, from, starts, new Set([...evolve.keys(), ...react.keys()])),
    evolve,
    react,
    answers: answersByType(what, sends, answers),
  });
}

/** Handlers of events and timers, by wire type. */
function byType<Handler>(
  what: string,
  from: readonly StreamDeclaration[],
  timers: Readonly<Record<string, TimerType>>,
  handlers: Handlers,
): ReadonlyMap<string, Handler> {
  const entries: readonly (readonly [string, any])[] = Object.entries(handlers);
  const ofTimers = entries.filter(([name]) => Object.hasOwn(timers, name));
  const ofEvents = entries.filter(([name]) => !Object.hasOwn(timers, name));
  const found = new Map(handlersByType<Handler>(what, from, Object.fromEntries<Handler>(ofEvents)));
  for (const [name, handler] of ofTimers) {
    if (typeof handler === "function") found.set(timers[name]!.type, handler);
    else if (handler !== undefined) refuse(`${what}: the handler ${name} is no function`);
  }
  return found;
}

function timersOf(
  what: string,
  timers: Readonly<Record<string, TimerType>>,
  from: readonly StreamDeclaration[],
): readonly TimerType[] {
  const types = new Map<string, string>(
    from.flatMap(({ name, types: events }) =>
      Object.entries(events).flatMap(([local, { type }]) => [
        [local, `stream "${name}"`] as const,
        [`type ${type}`, `stream "${name}"`] as const,
      ]),
    ),
  );
  for (const [local, declared] of Object.entries(timers)) {
    if (declared?.kind !== "timer") {
      refuse(`${local} in timers of ${what} is no timer; declare it with timer("…", schema)`);
    }
    const other = types.get(local) ?? types.get(`type ${declared.type}`);
    if (other !== undefined) {
      refuse(`${what} has the timer ${local}, which ${other} has too; rename one of them`);
    }
    types.set(local, "another timer").set(`type ${declared.type}`, "another timer");
  }
  return Object.values(timers);
}

function answersByType(
  what: string,
  sends: readonly QueueDeclaration[],
  answers: Handlers,
): ReadonlyMap<string, AnswerHandler> {
  const commands = new Map(sends.flatMap(({ types }) => Object.entries(types)));
  const found = new Map<string, AnswerHandler>();
  for (const [name, handler] of Object.entries(answers)) {
    const command = commands.get(name);
    if (command === undefined) {
      refuse(`${what} has a handler for answers to ${name}, which none of its queues carries`);
    }
    if (typeof handler !== "function") refuse(`${what}: the answer handler ${name} is no function`);
    found.set(command.type, handler);
  }
  return found;
}

function startTypes(
  what: string,
  from: readonly StreamDeclaration[],
  starts: readonly string[],
  handled: ReadonlySet<string>,
): ReadonlySet<string> {
  if (starts.length === 0) refuse(`starts of ${what} is empty, so no instance would ever begin`);
  return new Set(
    starts.map((name) => {
      const type = from.find(({ types }) => Object.hasOwn(types, name))?.types[name]?.type;
      if (type === undefined) {
        refuse(`${what} starts with ${name}, which none of its streams carries`);
      }
      if (!handled.has(type)) refuse(`${what} starts with ${name} and has no handler for it`);
      return type;
    }),
  );
}

/** How each event's instance is found, for all events that are handled. */
function idsOf(
  what: string,
  from: readonly StreamDeclaration[],
  ids: Handlers,
  { evolve, react }: SagaRules,
): ReadonlyMap<string, (data: unknown) => unknown> {
  const byEvent = handlersByType<(data: unknown) => unknown>(what, from, ids);
  for (const { name, types } of from) {
    for (const [local, { type, key }] of Object.entries(types)) {
      if (!evolve.has(type) && !react.has(type)) continue;
      if (key === undefined && !byEvent.has(type)) {
        refuse(
          `${what} cannot tell the instance of ${local}, because stream "${name}" gives it no key; say it in id: { ${local}: (e) => … }`,
        );
      }
    }
  }
  return byEvent;
}

function checkVersions(
  what: string,
  version: number,
  upcast: Readonly<Record<number, unknown>>,
): void {
  if (!Number.isInteger(version) || version < 1) {
    refuse(`version of ${what} is ${version}; give a whole number from 1`);
  }
  for (let from = 1; from < version; from++) {
    if (typeof upcast[from] !== "function") {
      refuse(
        `${what} has version ${version} but no upcaster from version ${from}; add upcast: { ${from}: (old) => … }, which returns the state of version ${from + 1}`,
      );
    }
  }
  const stray = Object.keys(upcast).find((from) => !(Number(from) >= 1 && Number(from) < version));
  if (stray !== undefined) {
    refuse(
      `${what} has an upcaster from "${stray}" but its version is ${version}; raise version or remove it`,
    );
  }
}

/**
 * A decider at work: reads an entity's events or remembers its state, decides the commands of one
 * entity one after another, and appends what they led to in one write.
 *
 * The write is conditional on the number of events that the entity had, so whatever is remembered here
 * can be outdated without harm: the commit conflicts, the state is forgotten, and the commands are
 * decided anew. Only where several processes write the store are new events asked for before each
 * decision, because a refusal writes nothing that could conflict.
 */

import { assert } from "../model/assert.ts";
import type { Draft, Message, RawMessage } from "../model/message.ts";
import { UnitOfWork } from "../service/consumer/unit-of-work.ts";
import { AnswerBuffer } from "../service/effects/answer-buffer.ts";
import { causedBy } from "../service/message-stamper.ts";
import { MessageReader } from "../service/message-reader.ts";
import type { Chance, Decision, Verdict, WorkContext, Worker } from "../service/part.ts";
import type { StoredEvent } from "../store/store.ts";
import type { OutgoingMessage } from "../store/write-set.ts";
import { decide, draftsOf, evolve, type DeciderRules } from "./decider-rules.ts";
import type { DecideContext } from "./decider-types.ts";
import { EntityStates, type Entity } from "./entity-states.ts";

export class DeciderWorker<State> implements Worker {
  readonly #rules: DeciderRules<State>;
  readonly #reader: MessageReader;
  readonly #states = new EntityStates<State>();

  constructor(rules: DeciderRules<State>) {
    const { name, events, eventTypes } = rules;
    this.#rules = rules;
    const source = { kind: "decider", name, types: events };
    this.#reader = new MessageReader([source], new Set(eventTypes.keys()));
  }

  keyOf({ envelope, data }: Message): string {
    const type = this.#rules.commandTypes.get(envelope.type);
    assert(type?.key !== undefined, "a decider is given its commands, and each has a key");
    return type.key(data);
  }

  work(
    key: string,
    messages: readonly Message[],
    context: WorkContext,
  ): Decision | Promise<Decision> {
    const known = this.#states.get(key);
    if (known !== undefined && context.exclusive)
      return this.#decide(key, known, messages, context);
    return this.#load(key, known, context).then((entity) =>
      this.#decide(key, entity, messages, context),
    );
  }

  committed(key: string): void {
    this.#states.committed(key);
  }

  forget(key: string): void {
    this.#states.forget(key);
  }

  async #load(
    key: string,
    known: Entity<State> | undefined,
    context: WorkContext,
  ): Promise<Entity<State>> {
    let { state, version } = known ?? { state: this.#rules.initial, version: 0 };
    for (const event of await context.readEntity(entityOf(this.#rules.name, key), version)) {
      state = this.#evolveStored(state, event);
      version = event.version;
    }
    const entity = { state, version };
    this.#states.keep(key, entity);
    return entity;
  }

  #evolveStored(state: State, { entity, version, message }: StoredEvent): State {
    const reading = this.#reader.read(message, 0);
    if (reading.status === "message") {
      const { envelope, data } = reading.message;
      return evolve(this.#rules.folds, state, { type: envelope.type, data }, envelope);
    }
    const error = reading.status === "unreadable" ? reading.error : undefined;
    const why = error instanceof Error ? error.message : "it is not among its events";
    throw new TypeError(`event ${version} of ${entity} cannot be folded: ${why}`, {
      cause: error,
    });
  }

  #decide(
    key: string,
    entity: Entity<State>,
    messages: readonly Message[],
    context: WorkContext,
  ): Decision | Promise<Decision> {
    const unit = new DecidingUnit(this.#rules, this.#reader, key, entity, context);
    if (this.#rules.handlers.size > 0) {
      return unit.runWithHandlers(messages).then((decision) => this.#decided(key, unit, decision));
    }
    return this.#decided(key, unit, unit.run(messages));
  }

  #decided(key: string, unit: DecidingUnit<State>, decision: Decision): Decision {
    if (decision.handled > 0) this.#states.decided(key, unit.entity);
    return decision;
  }
}

/** The name of an entity in the store. */
export function entityOf(decider: string, key: string): string {
  return `${decider}/${key}`;
}

/** The commands of one unit, each decided on what the one before it left. */
class DecidingUnit<State> {
  readonly #rules: DeciderRules<State>;
  readonly #reader: MessageReader;
  readonly #key: string;
  readonly #context: WorkContext;
  readonly #expected: number;
  readonly #events: RawMessage[] = [];
  readonly #outgoing: OutgoingMessage[] = [];
  readonly #verdicts: Verdict[] = [];
  #state: State;

  constructor(
    rules: DeciderRules<State>,
    reader: MessageReader,
    key: string,
    { state, version }: Entity<State>,
    context: WorkContext,
  ) {
    this.#rules = rules;
    this.#reader = reader;
    this.#key = key;
    this.#context = context;
    this.#state = state;
    this.#expected = version;
  }

  /** As it is once the decision is committed. */
  get entity(): Entity<State> {
    return { state: this.#state, version: this.#expected + this.#events.length };
  }

  run(messages: readonly Message[]): Decision {
    for (const message of messages) {
      try {
        this.#keep(this.#step(message));
      } catch (error) {
        return this.#decision({ error });
      }
    }
    return this.#decision();
  }

  async runWithHandlers(messages: readonly Message[]): Promise<Decision> {
    const { docs, handlers, name } = this.#rules;
    const domain = new UnitOfWork({
      context: this.#context,
      docs: Object.entries(docs),
      journal: name,
      buffer: new AnswerBuffer(),
    });
    let failure: { readonly error: unknown } | undefined;
    for (const message of messages) {
      try {
        const step = this.#step(message);
        for (const event of step.messages) {
          const handle = handlers.get(event.envelope.type);
          if (handle !== undefined) await handle(event.data, domain.begin(event));
        }
        domain.keep();
        this.#keep(step);
      } catch (error) {
        domain.discard();
        failure = { error };
        break;
      }
    }
    const own = this.#decision(failure);
    const { writes, outgoing } = await domain.decision(own.handled);
    return {
      ...own,
      writes: { ...writes, ...own.writes },
      outgoing: [...own.outgoing, ...outgoing],
    };
  }

  /** Decides one command. Nothing of it counts until it is kept. */
  #step(message: Message): Step<State> {
    const { envelope, data } = message;
    const chance = this.#context.chanceOf(message);
    const call = new DecideCall(message, this.#context.nowMs, chance);
    const { verdict, drafts } = decide(
      this.#rules,
      { type: envelope.type, data },
      this.#state,
      call,
    );
    const step: Step<State> = {
      verdict,
      state: this.#state,
      events: [],
      outgoing: [],
      messages: [],
    };
    for (const draft of drafts) this.#append(step, draft, message, chance);
    return step;
  }

  #append(step: Step<State>, draft: Draft, cause: Message, chance: Chance): void {
    const { folds, published, publications } = this.#rules;
    const key = this.#key;
    const how = { id: chance.newId(), key };
    let raw: RawMessage;
    if (published.has(draft.type)) {
      const outgoing = this.#context.stamp(draft, cause, how);
      raw = outgoing.message;
      step.outgoing.push(outgoing);
    } else raw = this.#context.stampKept(draft, cause, how);
    step.events.push(raw);
    // Read as it will be read from the store, so that the state is the same after a restart.
    const event = this.#read(raw, draft.type, how.id, cause);
    step.messages.push(event);
    step.state = evolve(folds, step.state, { type: draft.type, data: event.data }, event.envelope);
    const publish = publications.get(draft.type);
    if (publish === undefined) return;
    const { id, time } = event.envelope;
    const drafts = draftsOf(publish(event.data, { id, time, key, state: step.state }));
    for (const each of drafts) {
      step.outgoing.push(this.#context.stamp(each, cause, { id: chance.newId(), key }));
    }
  }

  /** The envelope is as the context has stamped it, and need not be read from the headers. */
  #read(raw: RawMessage, type: string, id: string, cause: Message): Message {
    const { nowMs: time, source } = this.#context;
    const { version } = this.#rules.eventTypes.get(type)!;
    const key = typeof raw.key === "string" ? raw.key : this.#key;
    const stamp = { id, type, kind: "event", version, source, key, time } as const;
    const reading = this.#reader.read(raw, time, { ...causedBy(cause), ...stamp });
    if (reading.status === "message") return reading.message;
    throw reading.status === "unreadable" ? reading.error : new TypeError("no event of its own");
  }

  #keep({ verdict, state, events, outgoing }: Step<State>): void {
    this.#state = state;
    this.#events.push(...events);
    this.#outgoing.push(...outgoing);
    this.#verdicts.push(verdict);
  }

  #decision(failure?: { readonly error: unknown }): Decision {
    const entity = entityOf(this.#rules.name, this.#key);
    const write = { entity, expected: this.#expected, events: this.#events };
    return {
      writes: this.#events.length === 0 ? {} : { events: [write] },
      outgoing: this.#outgoing,
      handled: this.#verdicts.length,
      verdicts: this.#verdicts,
      ...(failure && { failure }),
    };
  }
}

interface Step<State> {
  readonly verdict: Verdict;
  state: State;
  readonly events: RawMessage[];
  readonly outgoing: OutgoingMessage[];
  /** The events as handlers get them. */
  readonly messages: Message[];
}

class DecideCall implements DecideContext {
  readonly id: string;
  readonly now: number;
  readonly actor: string | undefined;
  readonly newId: () => string;
  readonly random: () => number;

  constructor({ envelope }: Message, nowMs: number, chance: Chance) {
    this.id = envelope.id;
    this.now = nowMs;
    this.actor = envelope.actor;
    this.newId = () => chance.newId();
    this.random = () => chance.random();
  }
}

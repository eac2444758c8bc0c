/**
 * A saga at work: reads an instance once, advances it by the messages of the moment, and carries out
 * what the machine orders, all in one commit.
 */

import { assert } from "../model/assert.ts";
import type { Message } from "../model/message.ts";
import type { Chance, Decision, DocumentRef, WorkContext, Worker } from "../service/part.ts";
import { COMMAND_ID } from "../service/ask/command-id.ts";
import { decodeReply, formatReplyAddress, REPLY_TYPE } from "../service/ask/reply-message.ts";
import { replyQueueName } from "../service/ask/reply-queue.ts";
import type { StoredDocument } from "../store/store.ts";
import type { OutgoingMessage, TimerCancel, TimerWrite } from "../store/write-set.ts";
import { instanceJson, parseInstance, type SagaInstance } from "./saga-instance.ts";
import { advance, type Order, type Stimulus } from "./saga-machine.ts";
import type { SagaRules } from "./saga-rules.ts";
import { isDeadline, Retry, StepDeadline } from "./saga-timers.ts";

export interface SagaFacts {
  readonly rules: SagaRules;
  /** The saga's name, as the store knows it. */
  readonly consumer: string;
  readonly collection: string;
  /** How the instance of an event is found, by wire type; by its key where none is given. */
  readonly instanceIds: ReadonlyMap<string, (data: unknown) => unknown>;
}

/** What one message led to. */
interface Outcome {
  readonly outgoing: OutgoingMessage[];
  readonly timers: (TimerWrite | TimerCancel)[];
}

/** Messages of an instance. */
interface Work {
  readonly instance: string;
  readonly messages: readonly Message[];
  readonly context: WorkContext;
}

/** One message of an instance, and what carrying out its orders needs. */
interface Cause {
  readonly instance: string;
  readonly message: Message;
  readonly chance: Chance;
  readonly context: WorkContext;
}

export class SagaWorker implements Worker {
  readonly #facts: SagaFacts;

  constructor(facts: SagaFacts) {
    this.#facts = facts;
  }

  /** The instance: timers and replies carry it as their key. */
  keyOf({ envelope, data }: Message): string {
    const { kind, type, key } = envelope;
    const idOf = kind === "event" ? this.#facts.instanceIds.get(type) : undefined;
    const id = idOf === undefined ? key : idOf(data);
    if (typeof id === "string" && id !== "") return id;
    throw new TypeError(
      `${this.#facts.rules.what}: the instance of ${type} is ${JSON.stringify(id)}; it must be a text that is not empty`,
    );
  }

  reads(instance: string): readonly DocumentRef[] {
    return [{ collection: this.#facts.collection, id: instance }];
  }

  /**
   * What writes the instance is checked by its commit. What only passes messages over is not, and
   * would lose an answer to a step that the instance at hand does not have yet: the store is asked.
   */
  work(
    instance: string,
    messages: readonly Message[],
    context: WorkContext,
  ): Decision | Promise<Decision> {
    const ref = { collection: this.#facts.collection, id: instance };
    const loaded = context.loaded(ref);
    const decision = this.#decide({ instance, messages, context }, loaded);
    if (decision.writes.documents !== undefined || decision.handled === 0) return decision;
    return context.read(ref).then((stored) => {
      if (stored?.version === loaded?.version) return decision;
      return this.#decide({ instance, messages, context }, stored);
    });
  }

  #decide({ instance, messages, context }: Work, found: StoredDocument | undefined): Decision {
    const { rules } = this.#facts;
    let current = found && parseInstance(found.json);
    let json: string | undefined;
    let handled = 0;
    let failure: { readonly error: unknown } | undefined;
    const unmatched: string[] = [];
    const done: Outcome = { outgoing: [], timers: [] };
    try {
      for (const message of messages) {
        const chance = context.chanceOf(message);
        const moment = { instance, message, chance, nowMs: context.nowMs };
        const advanced = advance(current, stimulusOf(message), rules, moment);
        if (advanced === undefined) {
          unmatched.push(message.envelope.type);
        } else {
          const cause = { instance, message, chance, context };
          const { outgoing, timers } = this.#carryOut(advanced.orders, cause);
          json = instanceJson(advanced.instance);
          current = advanced.instance;
          done.outgoing.push(...outgoing);
          done.timers.push(...timers);
        }
        handled++;
      }
    } catch (error) {
      failure = { error };
    }
    return {
      writes: json === undefined ? {} : this.#writes(instance, current!, json, found, done.timers),
      outgoing: done.outgoing,
      handled,
      ...(unmatched.length > 0 && { unmatched }),
      ...(failure && { failure }),
    };
  }

  #writes(
    id: string,
    { status }: SagaInstance,
    json: string,
    found: { readonly version: number } | undefined,
    timers: readonly (TimerWrite | TimerCancel)[],
  ): Decision["writes"] {
    const { collection } = this.#facts;
    const document = { collection, id, expected: found?.version ?? 0, json, indexed: { status } };
    return { documents: [document], ...(timers.length > 0 && { timers }) };
  }

  /** Throws what stamping throws, for an order that nobody could carry out. */
  #carryOut(orders: readonly Order[], cause: Cause): Outcome {
    const outcome: Outcome = { outgoing: [], timers: [] };
    const { instance } = cause;
    const { consumer } = this.#facts;
    for (const order of orders) {
      if (order.order === "send") outcome.outgoing.push(this.#send(order, cause));
      else if (order.order === "set-timer") outcome.timers.push(this.#timer(order, cause));
      else if (order.name === undefined) outcome.timers.push({ consumer, instance });
      else outcome.timers.push({ consumer, instance, name: order.name });
    }
    return outcome;
  }

  #send(
    { command, answered, undo }: Extract<Order, { readonly order: "send" }>,
    { instance, message, chance, context }: Cause,
  ): OutgoingMessage {
    const keyed = (id: string): { readonly id: string; readonly key: string } => ({
      id,
      key: instance,
    });
    if (undo !== undefined) context.stamp(undo, message, keyed(answered!.id));
    if (answered === undefined) return context.stamp(command, message, keyed(chance.newId()));
    const { id, again, expiresMs } = answered;
    const queue = replyQueueName(context.source, this.#facts.consumer);
    return context.stamp(command, message, {
      // A broker that has seen an id drops it, so a command that is sent again travels under another.
      ...keyed(again === true ? chance.newId() : id),
      ...(again === true && { attributes: { [COMMAND_ID]: id } }),
      replyTo: formatReplyAddress({ queue, key: instance }),
      ...(expiresMs !== undefined && { expires: expiresMs }),
    });
  }

  #timer(
    { name, dueMs, timer }: Extract<Order, { readonly order: "set-timer" }>,
    { instance, message, chance, context }: Cause,
  ): TimerWrite {
    const { consumer } = this.#facts;
    const id = chance.newId();
    const how = { id, key: instance, time: Math.round(dueMs) };
    const stamped = context.stampKept(timer, message, how);
    return { consumer, instance, name, id, dueMs, message: stamped };
  }
}

function stimulusOf({ envelope, data, raw }: Message): Stimulus {
  const { kind, type } = envelope;
  if (type === REPLY_TYPE) {
    const { command, verdict } = decodeReply(raw!);
    return { kind: "answer", command, verdict };
  }
  if (kind !== "timer") return { kind: "event" };
  if (type === Retry.type) return { kind: "retry" };
  if (type !== StepDeadline.type) return { kind: "timer" };
  assert(isDeadline(data), "a timer was checked when it was read");
  return { kind: "deadline", ...data };
}

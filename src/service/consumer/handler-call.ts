/**
 * The last argument of a consumer's handler. What few handlers ask for, a signal, ids, effects, is made
 * only when it is asked for.
 */

import type { Draft, Message } from "../../model/message.ts";
import type { Attributes } from "../../schema/declaration.ts";
import type { EffectCall } from "../effects/effect-calls.ts";
import type { WorkContext } from "../part.ts";

export interface HandlerCallOptions {
  readonly message: Message;
  readonly context: WorkContext;
  readonly docs: object;
  readonly emit: (draft: Draft) => void;
  readonly effect: (name: string, call: (how: EffectCall) => unknown) => Promise<unknown>;
}

const NO_ATTRIBUTES: Attributes = Object.freeze({});

export class HandlerCall {
  readonly id: string;
  readonly time: number;
  readonly version: number;
  readonly key: string | undefined;
  readonly actor: string | undefined;
  readonly emit: HandlerCallOptions["emit"];
  readonly effect: HandlerCallOptions["effect"];
  readonly docs: object;
  readonly now: number;
  readonly #context: WorkContext;
  readonly #message: Message;

  constructor({ message, context, docs, emit, effect }: HandlerCallOptions) {
    const { id, time, version, key, actor } = message.envelope;
    this.id = id;
    this.time = time;
    this.version = version;
    this.key = key;
    this.actor = actor;
    this.emit = emit;
    this.effect = effect;
    this.docs = docs;
    this.now = context.nowMs;
    this.#context = context;
    this.#message = message;
  }

  get signal(): AbortSignal {
    return this.#context.signal;
  }

  get attributes(): Attributes {
    return this.#message.envelope.extensions ?? NO_ATTRIBUTES;
  }

  get attempt(): number {
    return this.#context.attemptOf(this.#message);
  }

  get newId(): () => string {
    return () => this.#context.chanceOf(this.#message).newId();
  }

  get random(): () => number {
    return () => this.#context.chanceOf(this.#message).random();
  }
}

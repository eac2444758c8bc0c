/** A consumer at work: handlers one after another, and what they decided as one decision. */

import type { Message } from "../../model/message.ts";
import type { CommandType, MessageType } from "../../schema/declaration.ts";
import { Refusal } from "../ask/answer.ts";
import { DONE, isCommandType, refused, replied } from "../ask/verdict.ts";
import { AnswerBuffer } from "../effects/answer-buffer.ts";
import type { Decision, Verdict, WorkContext, Worker } from "../part.ts";
import type { DocumentDeclaration } from "./document.ts";
import { UnitOfWork } from "./unit-of-work.ts";

/** A handler whose types were checked where it was declared. */
export type AnyHandler = (data: any, context: any) => unknown;

export interface ConsumerFacts {
  /** Under whose name the answers of effects are recorded. */
  readonly journal: string;
  readonly handlers: ReadonlyMap<string, AnyHandler>;
  /** By wire type. */
  readonly commands: ReadonlyMap<string, CommandType>;
  readonly docs: Readonly<Record<string, DocumentDeclaration>>;
}

export class ConsumerWorker implements Worker {
  readonly #facts: ConsumerFacts;
  readonly #docs: readonly (readonly [name: string, declaration: DocumentDeclaration])[];
  readonly #buffer = new AnswerBuffer();

  constructor(facts: ConsumerFacts) {
    this.#facts = facts;
    this.#docs = Object.entries(facts.docs);
  }

  /** Keyless messages stand alone. */
  keyOf({ envelope }: Message): string {
    return envelope.key ?? envelope.id;
  }

  async work(_key: string, messages: readonly Message[], context: WorkContext): Promise<Decision> {
    const { journal } = this.#facts;
    const unit = new UnitOfWork({ context, docs: this.#docs, journal, buffer: this.#buffer });
    const verdicts: Verdict[] = [];
    let telling = false;
    for (const message of messages) {
      const call = unit.begin(message);
      try {
        const { type } = message.envelope;
        const result = this.#facts.handlers.get(type)!(message.data, call);
        const verdict = this.#verdict(type, result instanceof Promise ? await result : result);
        telling ||= verdict !== DONE;
        verdicts.push(verdict);
        if (verdict.ok) unit.keep();
        else unit.refuse();
      } catch (error) {
        unit.discard();
        const failed = await unit.decision(verdicts.length, { error });
        return telling ? { ...failed, verdicts } : failed;
      }
    }
    const decision = await unit.decision(verdicts.length);
    return telling ? { ...decision, verdicts } : decision;
  }

  #verdict(type: string, result: unknown): Verdict {
    const command = this.#facts.commands.get(type);
    if (command === undefined) return DONE;
    return result instanceof Refusal ? refused(command, result) : replied(command, result);
  }
}

/** The commands among the types, by wire type. */
export function commandsOf(types: readonly MessageType[]): ReadonlyMap<string, CommandType> {
  return new Map(types.filter(isCommandType).map((type) => [type.type, type]));
}

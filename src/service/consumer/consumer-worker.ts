/** A consumer at work: handlers one after another, and what they decided as one decision. */

import { assert } from "../../model/assert.ts";
import { MillraceError } from "../../model/errors.ts";
import type { Message } from "../../model/message.ts";
import type { MessageType } from "../../schema/declaration.ts";
import { Refusal } from "../ask/answer.ts";
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
  /** The refusals that each command declares, by wire type; events are not here. */
  readonly refuses: ReadonlyMap<string, readonly string[]>;
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
    const codes = this.#facts.refuses.get(type);
    if (result === undefined || codes === undefined) return DONE;
    if (!(result instanceof Refusal)) return { ok: true, reply: result };
    if (codes.includes(result.code)) return { ok: false, refusal: result };
    throw new MillraceError(
      "BAD_DECLARATION",
      `the handler of ${type} refused with "${result.code}", which the command does not declare; add it to its refuses`,
      { details: { type, code: result.code } },
    );
  }
}

const DONE: Verdict = { ok: true };

/** The refusals of the commands that these types are. */
export function refusesOf(types: readonly MessageType[]): ReadonlyMap<string, readonly string[]> {
  const refuses = new Map<string, readonly string[]>();
  for (const type of types) {
    if (type.kind !== "command") continue;
    assert("refuses" in type && Array.isArray(type.refuses), "every command lists its refusals");
    refuses.set(type.type, type.refuses);
  }
  return refuses;
}

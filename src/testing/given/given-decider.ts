/** Cases of a decider: given events, when a command comes, then these events or this refusal. */

import assert from "node:assert/strict";
import type { Draft } from "../../model/message.ts";
import type { DraftOf, MessageType } from "../../schema/declaration.ts";
import { createChance } from "../../service/unit/chance.ts";
import { decide, evolve, type CommandDecision } from "../../sourcing/decider-rules.ts";
import type { DeciderShape } from "../../sourcing/decider-types.ts";
import type { Decider } from "../../sourcing/decider.ts";
import {
  CASE_START_MS,
  caseMessage,
  momentMs,
  plainDrafts,
  typesByName,
  type Moment,
} from "./case-message.ts";

type DraftsOf<Types> = Types[keyof Types] extends infer Type
  ? Type extends MessageType
    ? DraftOf<Type>
    : never
  : never;
export type EventDrafts<Shape extends DeciderShape> = DraftsOf<Shape["events"]>;
export type CommandDrafts<Shape extends DeciderShape> = DraftsOf<Shape["commands"]["types"]>;

export interface DeciderCase<Shape extends DeciderShape, State> {
  /** The moment of the decision; 2026-01-01T00:00Z unless said. */
  at(moment: Moment): DeciderCase<Shape, State>;
  /** On whose behalf the command is sent. */
  as(actor: string): DeciderCase<Shape, State>;
  when(command: CommandDrafts<Shape>): DecidedCase<Shape>;
  /** The state that the events lead to. */
  thenState(state: State): void;
}

/** Each of these throws an AssertionError that shows both sides. */
export interface DecidedCase<Shape extends DeciderShape> {
  /** Exactly these events, in this order; an empty list where the command changes nothing. */
  then(events: readonly EventDrafts<Shape>[]): void;
  /** Refused with this code, so without an event. */
  thenRefused(code: string): void;
  /** Answered with this data. */
  thenReplied(reply: unknown): void;
  /** The decision throws an error whose text fits. */
  thenThrows(text: RegExp): void;
}

interface Settings {
  readonly atMs: number;
  readonly actor?: string;
}

export function givenDecider<Shape extends DeciderShape, State>(
  decider: Decider<Shape, State>,
  events: readonly EventDrafts<Shape>[],
): DeciderCase<Shape, State> {
  return caseOf(decider, events, { atMs: CASE_START_MS });
}

function caseOf<Shape extends DeciderShape, State>(
  decider: Decider<Shape, State>,
  events: readonly Draft[],
  settings: Settings,
): DeciderCase<Shape, State> {
  const { rules } = decider;
  const types = typesByName(Object.values<MessageType>(rules.events));
  const commands = typesByName(Object.values<MessageType>(rules.commands.types));
  const state = (): State =>
    events.reduce<State>((current, draft, index) => {
      const message = caseMessage(draft, types, { id: `given-${index}`, timeMs: settings.atMs });
      const { envelope, data } = message;
      return evolve(rules.folds, current, { type: draft.type, data }, envelope);
    }, rules.initial);
  return {
    at: (moment) => caseOf(decider, events, { ...settings, atMs: momentMs(moment) }),
    as: (actor) => caseOf(decider, events, { ...settings, actor }),
    when: (command: Draft) => {
      const { atMs, actor } = settings;
      const id = "when";
      const decided = (): CommandDecision => {
        const { data } = caseMessage(command, commands, { id, timeMs: atMs });
        const chance = createChance([decider.name, id], atMs);
        const context = {
          id,
          now: atMs,
          actor,
          newId: () => chance.newId(),
          random: () => chance.random(),
        };
        const decision = decide(rules, { type: command.type, data }, state(), context);
        // What could not be stored is no event: the types say most of it, the schemas the rest.
        decision.drafts.forEach((draft, index) =>
          caseMessage(draft, types, { id: `then-${index}`, timeMs: atMs }),
        );
        return decision;
      };
      return decidedCase(decided);
    },
    thenState: (expected) => assert.deepStrictEqual(state(), expected),
  };
}

function decidedCase<Shape extends DeciderShape>(
  decided: () => CommandDecision,
): DecidedCase<Shape> {
  const accepted = (): readonly Draft[] => {
    const { verdict, drafts } = decided();
    if (!verdict.ok) assert.fail(`the command was refused: ${verdict.refusal.code}`);
    return plainDrafts(drafts);
  };
  return {
    // Reads as a sentence; whoever awaits it by mistake is told so.
    // oxlint-disable-next-line unicorn/no-thenable
    then: (events) => assert.deepStrictEqual(accepted(), plainDrafts(events)),
    thenRefused: (code) => {
      const { verdict, drafts } = decided();
      assert.deepStrictEqual(
        verdict.ok ? { decided: plainDrafts(drafts) } : { refused: verdict.refusal.code },
        { refused: code },
      );
    },
    thenReplied: (reply) => {
      const { verdict } = decided();
      assert.deepStrictEqual(verdict, { ok: true, reply });
    },
    thenThrows: (text) => assert.throws(decided, text),
  };
}

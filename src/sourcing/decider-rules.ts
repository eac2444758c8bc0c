/**
 * The pure part of a decider: from a state and a command to events, from a state and an event to the
 * next state. The worker keeps what comes of it; tests use it as it is.
 */

import type { Evolve, FoldContext } from "../model/fold.ts";
import type { Draft } from "../model/message.ts";
import type {
  CommandType,
  EventType,
  EventTypes,
  QueueDeclaration,
} from "../schema/declaration.ts";
import { Refusal, Reply } from "../service/ask/answer.ts";
import { DONE, refused, replied } from "../service/ask/verdict.ts";
import type { DocumentDeclaration } from "../service/consumer/document.ts";
import type { Verdict } from "../service/part.ts";
import type { DecideContext } from "./decider-types.ts";

/** A function whose types were checked where it was declared. */
export type AnyFunction = (...args: any) => unknown;

export interface DeciderRules<State = any> {
  readonly name: string;
  readonly commands: QueueDeclaration;
  readonly events: EventTypes;
  readonly initial: State;
  /** The following are by wire type. */
  readonly commandTypes: ReadonlyMap<string, CommandType>;
  readonly eventTypes: ReadonlyMap<string, EventType>;
  readonly folds: ReadonlyMap<string, Evolve<State, any>>;
  readonly decides: ReadonlyMap<string, AnyFunction>;
  readonly published: ReadonlySet<string>;
  readonly publications: ReadonlyMap<string, AnyFunction>;
  readonly handlers: ReadonlyMap<string, AnyFunction>;
  readonly docs: Readonly<Record<string, DocumentDeclaration>>;
}

/** What was decided about one command. A refusal comes without events. */
export interface CommandDecision {
  readonly verdict: Verdict;
  readonly drafts: readonly Draft[];
}

const NO_DRAFTS: readonly Draft[] = [];

/** Throws what the decision throws, BAD_DECLARATION for an undeclared refusal, BAD_PAYLOAD for a wrong reply. */
export function decide<State>(
  { commandTypes, decides }: Pick<DeciderRules<State>, "commandTypes" | "decides">,
  command: { readonly type: string; readonly data: unknown },
  state: State,
  context: DecideContext,
): CommandDecision {
  const result = decides.get(command.type)!(command.data, state, context);
  const type = commandTypes.get(command.type)!;
  if (result instanceof Promise) {
    result.catch(() => undefined);
    throw new TypeError(
      `the decision on ${command.type} is asynchronous; decide on what the state and the command hold, and let a consumer do the rest`,
    );
  }
  if (result instanceof Refusal) return { verdict: refused(type, result), drafts: NO_DRAFTS };
  if (result instanceof Reply) {
    return { verdict: replied(type, result.data), drafts: result.events };
  }
  if (type.replies !== undefined) replied(type, undefined);
  return { verdict: DONE, drafts: draftsOf(result) };
}

/** One draft, several, or none. */
export function draftsOf(result: any): readonly Draft[] {
  if (result === undefined || result === null) return NO_DRAFTS;
  return Array.isArray(result) ? result : [result];
}

/** The state after the event; an event without a fold leaves it as it is. */
export function evolve<State>(
  folds: DeciderRules<State>["folds"],
  state: State,
  event: { readonly type: string; readonly data: unknown },
  context: FoldContext,
): State {
  const fold = folds.get(event.type);
  return fold === undefined ? state : fold(state, event.data, context);
}

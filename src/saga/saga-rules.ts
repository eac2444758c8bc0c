/** What a saga's declaration says, as the machine takes it. */

import type { Evolve, FoldContext } from "../model/fold.ts";
import type { Verdict } from "../service/part.ts";
import type { Reaction } from "./actions.ts";
import type { SagaVersions } from "./saga-instance.ts";

/** What reactions know beside the message's data and the state. Nothing else is in reach. */
export interface ReactContext extends FoldContext {
  /** The instance's id. */
  readonly instance: string;
  /** The moment of handling, in milliseconds since 1970. */
  readonly now: number;
  /** A new id; handling the same message again draws the same ones. */
  readonly newId: () => string;
  /** From 0 up to, not including, 1; repeatable as the ids are. */
  readonly random: () => number;
}

export type ReactHandler = (data: any, state: any, context: ReactContext) => Reaction;
export type AnswerHandler = (answer: Verdict, state: any, context: ReactContext) => Reaction;

/** What a declaration says. All by wire types. */
export interface SagaRules extends SagaVersions {
  readonly initial: unknown;
  /** The events that begin an instance; undefined: every event that is handled. */
  readonly starts: ReadonlySet<string> | undefined;
  readonly evolve: ReadonlyMap<string, Evolve<any, any>>;
  readonly react: ReadonlyMap<string, ReactHandler>;
  readonly answers: ReadonlyMap<string, AnswerHandler>;
}

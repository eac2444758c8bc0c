/**
 * What a saga's handlers return: the things that it does next, as data.
 *
 * A command's draft by itself is sent and forgotten. A `step` is a command whose answer the saga waits
 * for, and which it can undo. Timers have one name each, their type: setting one that is set already
 * replaces it.
 */

import { MillraceError } from "../model/errors.ts";
import type { CommandDraft, Draft } from "../model/message.ts";
import type { TimerType } from "../schema/declaration.ts";
import { durationMs, type Duration } from "../schema/duration.ts";

type TimerDraft = Draft<string, unknown, "timer">;

export interface SetTimer<Timer extends Draft = Draft> {
  readonly action: "set-timer";
  readonly timer: Timer;
  /** From the moment in which the handler runs, or the moment itself, in milliseconds since 1970. */
  readonly due: { readonly afterMs: number } | { readonly atMs: number };
}

export interface CancelTimer<Type extends string = string> {
  readonly action: "cancel-timer";
  readonly type: Type;
}

export interface Step<Command extends Draft = Draft> {
  readonly action: "step";
  readonly command: Command;
  readonly undo?: Command;
  readonly deadlineMs?: number;
}

export interface Abort {
  readonly action: "abort";
  readonly why: string;
}

export interface End {
  readonly action: "end";
}

export interface StepOptions<Undo extends CommandDraft> {
  /**
   * Undoes the step, should the saga be aborted. It is also sent for a step that was not answered, so
   * its handler must succeed where there is nothing to undo.
   */
  readonly undo?: Undo;
  /**
   * How long the answer may take; the saga is aborted after it, and the command is no longer wanted.
   * A command that ends in the dead letters is never answered, so without a deadline the saga waits
   * for it until a person redrives it.
   */
  readonly deadline?: Duration;
}

/** Reminds the instance after the duration. Throws BAD_DECLARATION for what is no duration. */
export function after<Timer extends TimerDraft>(delay: Duration, timer: Timer): SetTimer<Timer> {
  const afterMs = durationMs(delay, `the time until ${timer.type}`);
  return { action: "set-timer", timer, due: { afterMs } };
}

/** Reminds the instance at the moment, in milliseconds since 1970; at once where it is past. */
export function at<Timer extends TimerDraft>(atMs: number, timer: Timer): SetTimer<Timer> {
  if (!Number.isFinite(atMs)) {
    throw new MillraceError(
      "BAD_ARGUMENT",
      `the moment of ${timer.type} is ${atMs}; give milliseconds since 1970`,
    );
  }
  return { action: "set-timer", timer, due: { atMs } };
}

/** Ends the instance's timer of this type; harmless where there is none. */
export function cancel<Type extends string>(timer: TimerType<Type>): CancelTimer<Type> {
  return { action: "cancel-timer", type: timer.type };
}

/**
 * Sends a command and waits for its answer. A refusal aborts the saga, unless the saga has a handler
 * for the command's answers.
 */
export function step<Command extends CommandDraft, Undo extends CommandDraft = never>(
  command: Command,
  { undo, deadline }: StepOptions<Undo> = {},
): Step<Command | Undo> {
  return {
    action: "step",
    command,
    ...(undo !== undefined && { undo }),
    ...(deadline !== undefined && {
      deadlineMs: durationMs(deadline, `the deadline of step ${command.type}`),
    }),
  };
}

/** Gives up: the steps taken so far are undone, the newest first, and then the instance ends. */
export function abort(why: string): Abort {
  return { action: "abort", why };
}

/** The instance is done: its timers end, and whatever comes for it later is passed over. */
export function end(): End {
  return { action: "end" };
}

/** Everything that a handler may do, as the machine takes it. */
export type Action = Draft | SetTimer | CancelTimer | Step | Abort | End;

/** What a handler may return. */
export type Reaction<Taken = Action> = Taken | readonly Taken[] | void;

export function actionsOf(reaction: Reaction): readonly Action[] {
  if (reaction === undefined) return [];
  return isList(reaction) ? reaction : [reaction];
}

function isList(reaction: Action | readonly Action[]): reaction is readonly Action[] {
  return Array.isArray(reaction);
}

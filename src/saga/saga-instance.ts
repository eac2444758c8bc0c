/**
 * One instance of a saga, as the document in which it is kept.
 *
 * | status | what it means | what moves it on |
 * |---|---|---|
 * | `active` | it handles events, timers and answers | `end()` ends it; `abort()`, a refusal without a handler or a step's deadline makes it `compensating` |
 * | `compensating` | steps are undone, the newest first, one at a time; events only fold into the state | the undo's answer takes it to the next one, and after the last it has `ended`; a refused or unanswered undo makes it `stuck` |
 * | `stuck` | a person is needed | a retry, or an answer that came late after all, makes it `compensating` |
 * | `ended` | nothing that comes for it does anything | nothing; the document stays, so that nothing late begins the instance anew |
 *
 * A step is `open` until it is answered, then `done` or `refused`. In a compensation `undoing` while
 * its undo is out, then `undone`, or `failed` while that needs a person.
 */

import type { Draft } from "../model/message.ts";
import { badMessage } from "../service/failure.ts";
import { documentJson, parseDocument } from "../service/document-json.ts";

export type SagaStatus = "active" | "compensating" | "ended" | "stuck";
export type StepState = "open" | "done" | "refused" | "undoing" | "undone" | "failed";

export interface SagaStep {
  /** From 1, in the order in which the steps were taken. */
  readonly number: number;
  /** The command's type and id. */
  readonly type: string;
  readonly id: string;
  readonly state: StepState;
  readonly sentMs: number;
  /** How long an answer may take, to the command as to its undo. */
  readonly deadlineMs?: number;
  readonly undo?: Pick<Draft, "type" | "data">;
  /** The id of the undo that was sent last. */
  readonly undoId?: string;
  /** The undo was refused, so one that is sent again is another command. */
  readonly undoRefused?: boolean;
}

/** A message that the instance took. */
export interface SagaCause {
  readonly id: string;
  readonly type: string;
  readonly atMs: number;
}

export interface SagaInstance {
  /** The version of the saga's declaration that the state belongs to. */
  readonly version: number;
  readonly status: SagaStatus;
  readonly state: unknown;
  readonly startedMs: number;
  readonly changedMs: number;
  /** Steps taken so far: the number of the newest. */
  readonly stepCount: number;
  readonly steps: readonly SagaStep[];
  /** Why it was given up. */
  readonly aborted?: string;
  /** Why a person is needed. */
  readonly stuck?: string;
  /** The newest last. */
  readonly history: readonly SagaCause[];
}

/** How a saga's versions follow each other. */
export interface SagaVersions {
  readonly what: string;
  readonly version: number;
  /** From each older version to the next. */
  readonly upcast: Readonly<Record<number, (old: any) => unknown>>;
}

/** The bound of texts that tell why. */
const WHY_MAX = 2000;

export function instanceJson(instance: SagaInstance): string {
  return documentJson(instance);
}

/** What `instanceJson` was given: nothing else writes the collection. */
export function parseInstance(json: string): SagaInstance {
  const parsed: any = parseDocument(json);
  return parsed;
}

/**
 * Brings the state to the version of this program. Throws BAD_MESSAGE for an instance that is newer:
 * no try of this program will understand it.
 */
export function migrated(
  instance: SagaInstance,
  { what, version, upcast }: SagaVersions,
  id: string,
): SagaInstance {
  if (instance.version > version) {
    throw badMessage(
      `instance ${id} of ${what} has version ${instance.version}, and this program knows up to ${version}; deploy version ${instance.version}, then redrive`,
    );
  }
  let { state } = instance;
  for (let from = instance.version; from < version; from++) state = upcast[from]!(state);
  return instance.version === version ? instance : { ...instance, version, state };
}

export function shortened(why: string): string {
  return why.length > WHY_MAX ? `${why.slice(0, WHY_MAX - 1)}…` : why;
}

/**
 * Answers to commands.
 *
 * A refusal is an answer like any other: acknowledged, never retried, and nothing was changed. What
 * fails for reasons of the infrastructure is no answer: `ask` throws it.
 */

import type { ErrorDetails } from "../../model/errors.ts";

/** A refusal as it travels. */
export interface RefusalData<Code extends string = string> {
  /** One of those that the command declares in `refuses`. */
  readonly code: Code;
  /** For people. */
  readonly message?: string;
  readonly details?: ErrorDetails;
}

/** What a handler returns to refuse a command. */
export class Refusal<Code extends string = string> implements RefusalData<Code> {
  readonly code: Code;
  readonly message?: string;
  readonly details?: ErrorDetails;

  constructor(code: Code, { message, details }: Omit<RefusalData, "code"> = {}) {
    this.code = code;
    if (message !== undefined) this.message = message;
    if (details !== undefined) this.details = details;
  }
}

/** Refuses the command that is being handled: `return reject("already-placed")`. */
export function reject<const Code extends string>(
  code: Code,
  more: Omit<RefusalData, "code"> = {},
): Refusal<Code> {
  return new Refusal(code, more);
}

/** What `ask` resolves to. */
export type Answer<Code extends string = string, Reply = unknown> =
  | {
      readonly ok: true;
      /** Reads that are given it see what the command did: `get(view, id, { notBefore: token })`. */
      readonly token: string;
      readonly reply: Reply;
    }
  | { readonly ok: false; readonly refusal: RefusalData<Code> };

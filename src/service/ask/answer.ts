/**
 * Answers to commands.
 *
 * A refusal is an answer like any other: acknowledged, never retried, and nothing was changed. What
 * fails for reasons of the infrastructure is no answer: `ask` throws it.
 */

import type { ErrorDetails } from "../../model/errors.ts";
import type { Draft } from "../../model/message.ts";

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

/** What the handler of a command with a declared reply returns. */
export class Reply<Data = unknown, Event extends Draft = never> {
  readonly data: Data;
  readonly events: readonly Event[];

  constructor(data: Data, events: readonly Event[]) {
    this.data = data;
    this.events = events;
  }
}

/** Answers the command that is being handled; a decider's may come with events. */
export function reply<Data, Event extends Draft = never>(
  data: Data,
  events: Event | readonly Event[] = [],
): Reply<Data, Event> {
  return new Reply(data, isDraft(events) ? [events] : events);
}

function isDraft<Event extends Draft>(events: Event | readonly Event[]): events is Event {
  return !Array.isArray(events);
}

/** What `ask` resolves to. */
export type Answer<Code extends string = string, Reply = unknown> =
  | {
      readonly ok: true;
      /**
       * Reads that are given it see what the command did: `get(view, id, { notBefore: token })`. It
       * names what was written last under up to 64 keys; keyless events are not in it.
       */
      readonly token: string;
      readonly reply: Reply;
    }
  | { readonly ok: false; readonly refusal: RefusalData<Code> };

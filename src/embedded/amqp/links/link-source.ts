/** What feeds a link on which a client receives. */

import type { Refusal } from "../protocol/conditions.ts";
import type { OutgoingMessage } from "../message/outgoing-message.ts";

/** What became of a delivery, as its receiver says. */
export type ReceiverOutcome =
  | { readonly kind: "accepted" }
  | { readonly kind: "released" }
  | { readonly kind: "rejected"; readonly condition: string; readonly description: string }
  | { readonly kind: "modified"; readonly failed: boolean; readonly undeliverableHere: boolean };

export type Done = (error: unknown) => void;

/** One message that may be sent. */
export interface Item {
  write(): OutgoingMessage;
  /**
   * Tells when it is durable, with an error where the message is no longer this receiver's to settle. A
   * call instead of a promise: this is done for every message, thousands a second.
   */
  settle(outcome: ReceiverOutcome, done: Done): void;
  /**
   * The link ended before it was settled: quietly, with the message's attempt not counted, or by the
   * loss of its connection, where the message may be the reason.
   */
  giveBack(how: "detached" | "lost"): void;
}

/** Where a source puts what it has: at most as many as were asked for. */
export interface Sink {
  put(items: readonly Item[]): void;
  /** There is nothing more for now. */
  rests(): void;
  /** Nothing more will come. */
  fail(refusal: Refusal): void;
}

export interface LinkSource {
  /** Asks for at most so many, instead of what was asked for before; 0 for none. */
  want(count: number): void;
  /** Whether it has nothing for now, so that credit which is to be used up can be given back. */
  readonly exhausted: boolean;
  close(): void;
}

/** What the holder of a lease, or an operator, asks a queue to do with messages. */

import { MillraceError } from "../../../model/errors.ts";
import type { DeadLetterCause, Lease } from "../../queues.ts";
import type { PendingCall } from "../pending-call.ts";

/** What happens to a leased message. */
export type Fate =
  | { readonly kind: "accept" }
  | {
      readonly kind: "release";
      readonly delayMs: number;
      readonly countAttempt: boolean;
      readonly cause: DeadLetterCause | undefined;
    }
  | { readonly kind: "reject"; readonly cause: DeadLetterCause };

export interface Settlement {
  readonly lease: Lease;
  readonly fate: Fate;
  /** Whom to answer, and the settlement's place in his call. */
  readonly call: Pick<PendingCall<void>, "succeed" | "fail">;
  readonly index: number;
}

export interface DeadLetterChange {
  readonly kind: "redrive" | "discard";
  readonly sequences: readonly number[] | "all";
  readonly succeed: (count: number) => void;
  readonly fail: (error: unknown) => void;
}

const CAUSE_LETTERS_MAX = 2_000;

export function boundCause({ code, message }: DeadLetterCause): DeadLetterCause {
  return { code: code.slice(0, 200), message: message.slice(0, CAUSE_LETTERS_MAX) };
}

/** Why a message died whose last attempt was given back without a reason. */
export function attemptsCause(attempts: number): DeadLetterCause {
  return { code: "AttemptsExhausted", message: `released after attempt ${attempts}, its last` };
}

/** Why a message died whose last lease nobody settled. */
export function leaseEndedCause(attempts: number): DeadLetterCause {
  return {
    code: "LEASE_LOST",
    message: `the lease of attempt ${attempts}, its last, ended unsettled`,
  };
}

export function leaseLost(lease: Lease): MillraceError {
  return new MillraceError(
    "LEASE_LOST",
    `the lease of ${lease.queue}#${lease.sequence} (attempt ${lease.attempt}) has ended or was settled; another consumer may have the message, so drop its result or make it repeatable, and extend leases of long work`,
    { details: { queue: lease.queue, sequence: lease.sequence, attempt: lease.attempt } },
  );
}

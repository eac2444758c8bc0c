/** What whoever asked is told when there is no answer. */

import { MillraceError } from "../../model/errors.ts";
import type { ParkCause } from "../../store/write-set.ts";
import type { Arrival } from "../input/arrival.ts";

/** The command was not done. */
export function failedCommand(
  arrival: Arrival,
  { code, message, attempts }: ParkCause,
): MillraceError {
  const times = attempts === 1 ? "once" : `${attempts} times`;
  return new MillraceError(
    "HANDLER_FAILED",
    `the handler of ${nameOf(arrival)} failed ${times}, last with ${code}: ${message}; nothing was changed: mend the handler, then ask again`,
    { details: { id: arrival.incoming.id, code, attempts } },
  );
}

/** The command was not done, and will not be. */
export function expiredCommand(arrival: Arrival): MillraceError {
  return new MillraceError(
    "DEADLINE",
    `${nameOf(arrival)} was not begun before its deadline, and was not done; ask again, or allow more time`,
    { details: { id: arrival.incoming.id } },
  );
}

/** Nobody knows here whether the command was done. */
export function lostCommand(arrival: Arrival): MillraceError {
  return new MillraceError(
    "CLOSED",
    `the service stopped before ${nameOf(arrival)} was answered; ask again under the same id to learn what became of it`,
    { details: { id: arrival.incoming.id }, retryable: true },
  );
}

function nameOf({ message, incoming }: Arrival): string {
  return message === undefined ? `command ${incoming.id}` : message.envelope.type;
}

/** What a client is told when something is refused: a condition of the protocol, and the remedy. */

import { isMillraceError, type ErrorCode } from "../../../model/errors.ts";

export interface Refusal {
  /** Of OASIS AMQP 1.0, part 2.8.15 to 2.8.18. */
  readonly condition: string;
  readonly description: string;
}

export const NOT_FOUND = "amqp:not-found";
export const NOT_IMPLEMENTED = "amqp:not-implemented";
export const UNAUTHORIZED = "amqp:unauthorized-access";
export const INVALID_FIELD = "amqp:invalid-field";
export const DECODE_ERROR = "amqp:decode-error";
export const INTERNAL_ERROR = "amqp:internal-error";
export const NOT_ALLOWED = "amqp:not-allowed";
export const RESOURCE_LIMIT = "amqp:resource-limit-exceeded";
export const FRAMING_ERROR = "amqp:connection:framing-error";
export const FORCED = "amqp:connection:forced";
export const STOLEN = "amqp:link:stolen";
export const TRANSFER_LIMIT = "amqp:link:transfer-limit-exceeded";
export const MESSAGE_SIZE = "amqp:link:message-size-exceeded";
/** Not of the standard: the lease ended before the settlement came. */
export const LOCK_LOST = "millrace:lock-lost";

const BY_CODE: Partial<Record<ErrorCode, string>> = {
  UNKNOWN_QUEUE: NOT_FOUND,
  UNKNOWN_STREAM: NOT_FOUND,
  NOT_FOUND,
  BAD_ARGUMENT: INVALID_FIELD,
  OFFSET_OUT_OF_RANGE: INVALID_FIELD,
  QUOTA_EXCEEDED: RESOURCE_LIMIT,
  TOO_LARGE: MESSAGE_SIZE,
  QUEUE_FULL: RESOURCE_LIMIT,
  OVERLOADED: RESOURCE_LIMIT,
  DISK_FULL: RESOURCE_LIMIT,
  STREAM_MISMATCH: "amqp:precondition-failed",
  NOT_ALLOWED: UNAUTHORIZED,
  LEASE_LOST: LOCK_LOST,
  CLOSED: FORCED,
};

export function refusalOf(error: unknown): Refusal {
  if (!isMillraceError(error)) {
    return { condition: INTERNAL_ERROR, description: "the broker failed; its log tells why" };
  }
  return { condition: BY_CODE[error.code] ?? INTERNAL_ERROR, description: error.message };
}

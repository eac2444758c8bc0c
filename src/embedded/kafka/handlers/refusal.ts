/** What goes wrong in the broker, in the codes of the protocol. */

import type { ErrorCode } from "../../../model/errors.ts";
import { MillraceError } from "../../../model/errors.ts";
import { ERROR } from "../error-codes.ts";

export interface Refusal {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export function refusal(errorCode: number, errorMessage: string | null = null): Refusal {
  return { errorCode, errorMessage };
}

const CODES: Partial<Record<ErrorCode, number>> = {
  UNKNOWN_STREAM: ERROR.UNKNOWN_TOPIC_OR_PARTITION,
  CLOSED: ERROR.UNKNOWN_TOPIC_OR_PARTITION,
  OFFSET_OUT_OF_RANGE: ERROR.OFFSET_OUT_OF_RANGE,
  OVERLOADED: ERROR.REQUEST_TIMED_OUT,
};

/**
 * The answer for an error of the broker; `own` says what a code means in this request. What is no
 * error of the broker is a defect and thrown on.
 */
export function refusalFor(error: unknown, own: Partial<Record<ErrorCode, number>> = {}): Refusal {
  if (!(error instanceof MillraceError)) throw error;
  const errorCode = own[error.code] ?? CODES[error.code] ?? ERROR.KAFKA_STORAGE_ERROR;
  return refusal(errorCode, error.message);
}

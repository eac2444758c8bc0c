/** How errors look at the door: one table from code to status, and the body that the client reads back. */

import type { ContentfulStatusCode } from "hono/utils/http-status";
import { ERROR_CODES, MillraceError, type ErrorCode } from "../model/errors.ts";

export const STATUS_BY_CODE: Readonly<Record<ErrorCode, ContentfulStatusCode>> = {
  BAD_DECLARATION: 500,
  BAD_CONFIG: 500,
  BAD_ARGUMENT: 400,
  CONTRACT_BROKEN: 409,
  CAPABILITY_MISSING: 501,

  BAD_MESSAGE: 422,
  BAD_ENVELOPE: 422,
  BAD_PAYLOAD: 422,
  BAD_JSON: 400,
  UNKNOWN_TYPE: 404,
  UNKNOWN_VERSION: 422,
  UNSUPPORTED_CONTENT: 415,
  TOO_LARGE: 413,

  UNKNOWN_STREAM: 404,
  UNKNOWN_QUEUE: 404,
  UNKNOWN_GROUP: 404,
  UNKNOWN_DEAD_LETTER: 404,
  STREAM_MISMATCH: 409,
  GROUP_IN_USE: 409,
  OFFSET_OUT_OF_RANGE: 416,
  LEASE_LOST: 409,
  FENCED: 409,
  QUEUE_FULL: 503,
  QUOTA_EXCEEDED: 503,
  OVERLOADED: 503,

  DISK_FULL: 507,
  DISK_FAILED: 500,
  LOG_DAMAGED: 500,
  BACKUP_DAMAGED: 500,
  DIRECTORY_IN_USE: 409,
  DIRECTORY_VERSION: 500,
  STORE_FAILED: 500,
  CONFLICT: 409,

  POSITION_MISMATCH: 409,
  PARKED: 409,
  UNKNOWN_VIEW: 404,
  VIEW_BUILDING: 503,

  EFFECT_NOT_RECORDED: 409,
  NOT_REPEATABLE: 409,

  CLOSED: 503,
  CANCELLED: 503,
  DEADLINE: 504,
  UNREACHABLE: 502,
  NOT_FOUND: 404,
  NOT_ALLOWED: 403,
  CONFIRMATION_NEEDED: 428,
  BAD_REQUEST: 400,
  HANDLER_FAILED: 500,
  DEPENDENCY_DOWN: 503,
  DELIVERY_FAILED: 502,
  ADDRESS_REFUSED: 403,
};

/** Never a stack or a cause: those are for the log of the process. */
export function errorBody(error: MillraceError): string {
  return JSON.stringify(error);
}

/** The error of a body that `errorBody` wrote; undefined where it is none. */
export function errorFromBody(body: unknown): MillraceError | undefined {
  if (!isErrorBody(body)) return undefined;
  const { code, message, retryable, details } = body;
  return new MillraceError(code, message, { details, retryable });
}

function isErrorBody(body: unknown): body is ReturnType<MillraceError["toJSON"]> {
  return (
    typeof body === "object" &&
    body !== null &&
    "code" in body &&
    typeof body.code === "string" &&
    Object.hasOwn(ERROR_CODES, body.code)
  );
}

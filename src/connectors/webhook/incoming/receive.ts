/** Requests to an incoming webhook: the body, bounded, and the answers that say what went wrong. */

import { isMillraceError, MillraceError, type ErrorCode } from "../../../model/errors.ts";

/**
 * The body's bytes. Throws TOO_LARGE as soon as the limit is passed, without reading on.
 */
export async function readBody(request: Request, bytesMax: number): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the stream.
  for await (const chunk of request.body ?? []) {
    const part: Uint8Array = chunk;
    length += part.byteLength;
    if (length > bytesMax) throw tooLarge(bytesMax);
    chunks.push(part);
  }
  return Buffer.concat(chunks, length);
}

/** Throws BAD_JSON. */
export function textOf(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch (cause) {
    throw new MillraceError("BAD_JSON", "the body is not UTF-8; JSON is sent in UTF-8", { cause });
  }
}

/** What the sender is at fault for; all else is ours, and worth another try. */
const STATUS: Partial<Record<ErrorCode, number>> = {
  BAD_JSON: 400,
  BAD_REQUEST: 400,
  NOT_ALLOWED: 401,
  TOO_LARGE: 413,
  UNSUPPORTED_CONTENT: 415,
  BAD_ENVELOPE: 422,
  BAD_MESSAGE: 422,
  BAD_PAYLOAD: 422,
  UNKNOWN_TYPE: 422,
  UNKNOWN_VERSION: 422,
};

const RETRY_AFTER_SECONDS = 5;

/** Our own troubles are not explained to others: the log has them. */
export function refusal(error: unknown): Response {
  const status = isMillraceError(error) ? STATUS[error.code] : undefined;
  if (isMillraceError(error) && status !== undefined) return Response.json(error, { status });
  const later = isMillraceError(error) && error.retryable;
  const text = later ? "try again later" : "the delivery could not be taken";
  return Response.json(
    { code: later ? "OVERLOADED" : "FAILED", message: text, retryable: true },
    {
      status: later ? 503 : 500,
      headers: { "retry-after": String(RETRY_AFTER_SECONDS) },
    },
  );
}

function tooLarge(bytesMax: number): MillraceError {
  return new MillraceError(
    "TOO_LARGE",
    `the body is over ${bytesMax} bytes, the most that is taken here; send where the content is instead`,
    { details: { limitBytes: bytesMax } },
  );
}

/** Requests to an incoming webhook: the body, bounded, and the answers that say what went wrong. */

import { isMillraceError, MillraceError, type ErrorCode } from "../../../model/errors.ts";

/**
 * The body's bytes. Throws TOO_LARGE as soon as the limit is passed, without reading on;
 * UNSUPPORTED_CONTENT where it is encoded, and BAD_REQUEST where the sender leaves before its end.
 */
export async function readBody(request: Request, bytesMax: number): Promise<Uint8Array> {
  const encoding = request.headers.get("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw new MillraceError(
      "UNSUPPORTED_CONTENT",
      `the Content-Encoding ${JSON.stringify(encoding.slice(0, 40))} is not read here; send the body as it is`,
    );
  }
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the stream.
  try {
    for await (const chunk of request.body ?? []) {
      const part: Uint8Array = chunk;
      length += part.byteLength;
      if (length > bytesMax) throw tooLarge(bytesMax);
      chunks.push(part);
    }
  } catch (error) {
    // Nobody knows yet who it is: a stranger who leaves must not fill the log with our troubles.
    if (isMillraceError(error)) throw error;
    throw new MillraceError("BAD_REQUEST", "the body broke off before its end; send it whole", {
      cause: error,
    });
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

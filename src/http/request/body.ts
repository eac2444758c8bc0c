/** Reading a request's body: bounded while it comes in, of a known media type, and of good UTF-8. */

import type { Context } from "hono";
import { parseObject } from "../../codecs/json-text.ts";
import { isMillraceError, MillraceError } from "../../model/errors.ts";
import { JSON_TYPE } from "../media-types.ts";

export interface MediaType {
  /** Lower case, without parameters: `application/json`; empty where the header is missing. */
  readonly essence: string;
  readonly charset: string | undefined;
}

export function mediaTypeOf(c: Context): MediaType {
  const [essence = "", ...parameters] = (c.req.header("content-type") ?? "")
    .toLowerCase()
    .split(";");
  const charset = parameters
    .map((parameter) => /^\s*charset="?([^"]*)"?\s*$/.exec(parameter)?.[1])
    .find((value) => value !== undefined);
  return { essence: essence.trim(), charset };
}

/** Throws TOO_LARGE as soon as the limit is passed, without reading on, and BAD_JSON if it is not UTF-8. */
export async function readText(c: Context, bytesMax: number): Promise<string> {
  const { charset } = mediaTypeOf(c);
  if (charset !== undefined && charset !== "utf-8" && charset !== "utf8") {
    throw unsupported(
      `the charset ${JSON.stringify(charset.slice(0, 40))} is not read here; send UTF-8`,
    );
  }
  const encoding = c.req.header("content-encoding") ?? "identity";
  if (encoding.toLowerCase() !== "identity") {
    throw unsupported(
      `the Content-Encoding ${JSON.stringify(encoding.slice(0, 40))} is not read here; send the body as it is`,
    );
  }
  if (Number(c.req.header("content-length") ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const bytes = await readBytes(c.req.raw.body, bytesMax);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new MillraceError("BAD_JSON", "the body is not UTF-8; JSON is sent in UTF-8");
  }
}

async function readBytes(
  body: ReadableStream<Uint8Array> | null,
  bytesMax: number,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    // Leaving the loop cancels the stream.
    for await (const chunk of body ?? []) {
      length += chunk.byteLength;
      if (length > bytesMax) throw tooLarge(bytesMax);
      chunks.push(chunk);
    }
  } catch (error) {
    throw isMillraceError(error) ? error : brokeOff(error);
  }
  return Buffer.concat(chunks, length);
}

/** A JSON object, for requests that are no messages. Throws UNSUPPORTED_CONTENT, BAD_JSON, BAD_REQUEST. */
export async function readJsonObject(
  c: Context,
  bytesMax: number,
): Promise<Readonly<Record<string, unknown>>> {
  return objectOf(await readJsonText(c, bytesMax));
}

/** The text of an `application/json` body. Throws UNSUPPORTED_CONTENT, BAD_JSON where it is not UTF-8. */
export async function readJsonText(c: Context, bytesMax: number): Promise<string> {
  const { essence } = mediaTypeOf(c);
  if (essence === JSON_TYPE) return readText(c, bytesMax);
  throw unsupported(`this address takes ${JSON_TYPE}, not ${essence || "a body without a type"}`);
}

/** Throws BAD_JSON, BAD_REQUEST. */
export function objectOf(text: string): Readonly<Record<string, unknown>> {
  const value = parseObject(text);
  if (value !== undefined) return value;
  throw new MillraceError("BAD_REQUEST", 'the body must be a JSON object, as in {"to":"start"}');
}

export function unsupported(message: string): MillraceError {
  return new MillraceError("UNSUPPORTED_CONTENT", message);
}

/** Whoever leaves in the middle of a sentence has met no defect, and must not fill the log with some. */
function brokeOff(cause: unknown): MillraceError {
  return new MillraceError("BAD_REQUEST", "the body broke off before its end; send it whole", {
    cause,
  });
}

function tooLarge(bytesMax: number): MillraceError {
  return new MillraceError(
    "TOO_LARGE",
    `the body is over ${bytesMax} bytes, the most that one request may have; send several requests`,
    { details: { limitBytes: bytesMax } },
  );
}

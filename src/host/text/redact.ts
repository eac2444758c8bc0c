/**
 * What may go into a log: facts with secrets blotted out, errors as data, and nothing endless.
 *
 * A secret is known by its name (`password`, `apiToken`, `authorization`, …) wherever it stands, and
 * in a URL by its parameter, and behind the name of its scheme (`Bearer …`). Redaction works on a
 * copy; the facts of the caller stay as they are.
 */

import { MillraceError } from "../../model/errors.ts";

const BLOT = "[redacted]";
const SECRET_NAME = /(password|passwd|secret|token|authorization|credential|cookie|api[-_]?key)$/i;
const SECRET_PARAMETER =
  /([?&#](?:[a-z_-]*(?:token|password|secret|key|signature|sig))=)[^&#\s"']+/gi;
const SECRET_SCHEME = /\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/gi;
const SECRET_USER = /(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@]*:)[^\s@/]+@/gi;

const DEPTH_MAX = 5;
const ITEMS_MAX = 50;
const TEXT_MAX = 4_000;

export type LogFacts = Readonly<Record<string, unknown>>;

export function redactFacts(facts: LogFacts): Record<string, unknown> {
  return redactRecord(facts, 0);
}

export function redactText(text: string): string {
  const short = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}… (${text.length})` : text;
  return short
    .replace(SECRET_PARAMETER, `$1${BLOT}`)
    .replace(SECRET_SCHEME, `$1 ${BLOT}`)
    .replace(SECRET_USER, `$1${BLOT}@`);
}

function redactRecord(record: object, depth: number): Record<string, unknown> {
  const entries: [string, unknown][] = Object.entries(record).slice(0, ITEMS_MAX);
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      SECRET_NAME.test(name) && value !== undefined ? BLOT : redactValue(value, depth),
    ]),
  );
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === "string") return redactText(value);
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return typeof value;
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Error) return redactError(value, depth);
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (value instanceof Date) return value.toISOString();
  if (depth >= DEPTH_MAX) return "…";
  if (Array.isArray(value)) {
    return value.slice(0, ITEMS_MAX).map((item) => redactValue(item, depth + 1));
  }
  if (value instanceof Map) return redactRecord(Object.fromEntries(value), depth + 1);
  if (value instanceof Set) return redactValue([...value], depth);
  return redactRecord(value, depth + 1);
}

function redactError(error: Error, depth: number): Record<string, unknown> {
  return {
    name: error.name,
    message: redactText(error.message),
    ...(error instanceof MillraceError
      ? { code: error.code, details: redactRecord(error.details, depth + 1) }
      : { stack: error.stack === undefined ? undefined : redactText(error.stack) }),
    ...(error.cause === undefined || depth >= DEPTH_MAX
      ? {}
      : { cause: redactValue(error.cause, depth + 1) }),
  };
}

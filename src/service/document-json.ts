/**
 * Documents as JSON text, without losing 64-bit integers: what a fold put into its state comes back
 * as the same kind of number.
 *
 * A bigint beyond 2⁵³ is written with all its digits and a smaller one as `5.0`; both are plain JSON
 * numbers for every other reader. A floating-point number that would look like one of the two is
 * written with an exponent.
 */

import { MillraceError } from "../model/errors.ts";

const MAYBE_BIGINT = /\d{16}|\d\.0(?!\d)/;
const INTEGER = /^-?\d{16,}$/;
const SMALL_BIGINT = /^-?\d+\.0$/;

/** Throws BAD_PAYLOAD for what JSON has no form for: cycles, functions as a whole. */
export function documentJson(state: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(state);
    if (text !== undefined && !MAYBE_BIGINT.test(text)) return text;
  } catch (cause) {
    if (!(cause instanceof TypeError) || !/BigInt/.test(cause.message)) throw notJson(cause);
  }
  try {
    text = JSON.stringify(state, writeNumber);
  } catch (cause) {
    throw notJson(cause);
  }
  if (text === undefined) throw notJson(new TypeError(`${typeof state} has no JSON form`));
  return text;
}

/** What `documentJson` was given. */
export function parseDocument(json: string): unknown {
  return MAYBE_BIGINT.test(json) ? JSON.parse(json, readNumber) : JSON.parse(json);
}

/** `JSON.rawJSON`: the language has it, and TypeScript's library does not know it yet. */
// oxlint-disable-next-line typescript/no-unsafe-type-assertion
const { rawJSON: rawJson } = JSON as unknown as { readonly rawJSON: (text: string) => unknown };

function writeNumber(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") {
    const small = value <= Number.MAX_SAFE_INTEGER && value >= Number.MIN_SAFE_INTEGER;
    return rawJson(small && !INTEGER.test(String(value)) ? `${value}.0` : String(value));
  }
  if (typeof value === "number" && INTEGER.test(String(value)))
    return rawJson(value.toExponential());
  return value;
}

function readNumber(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  const { source } = context;
  if (SMALL_BIGINT.test(source)) return BigInt(source.slice(0, -2));
  return INTEGER.test(source) ? BigInt(source) : value;
}

function notJson(cause: unknown): MillraceError {
  return new MillraceError(
    "BAD_PAYLOAD",
    `a document cannot be kept as JSON: ${cause instanceof Error ? cause.message : String(cause)}`,
    { cause },
  );
}

/**
 * Payloads as JSON that loses nothing.
 *
 * The engine's parser is the fast path. It is wrong only about numbers that a double cannot hold, and
 * it does not bound depth; both are ruled out by a look at the text that costs far less than parsing.
 * Where the look cannot rule them out, where the schema has number formats (`number-plan.ts`), or
 * where the text turns out to be no JSON, the exact parser reads it (again).
 */

import { MillraceError } from "../model/errors.ts";
import { LIMITS } from "../model/limits.ts";
import { parseExactly } from "./json-parser.ts";
import { encodeText } from "./text-bytes.ts";
import { writable } from "./json-writable.ts";
import { numberPlan, type NumberPlan } from "./number-plan.ts";

export interface JsonCodec {
  /** Throws BAD_PAYLOAD naming the field that JSON cannot carry, TOO_LARGE. */
  encode(data: unknown): Uint8Array;
  /** Throws BAD_JSON naming the place, TOO_LARGE. */
  decode(bytes: Uint8Array): unknown;
  /** Like `encode`, to text and without a bound on its size. */
  stringify(data: unknown): string;
  /** Like `decode`, from text and without a bound on its size. */
  parse(text: string): unknown;
}

/** The codec of a payload with that structure; made once for each schema object. */
export function jsonCodec(jsonSchema: unknown): JsonCodec {
  if (typeof jsonSchema !== "object" || jsonSchema === null) return PLAIN;
  let codec = codecs.get(jsonSchema);
  if (codec === undefined) {
    const numbers = numberPlan(jsonSchema);
    codec = numbers === undefined ? PLAIN : createCodec(numbers);
    codecs.set(jsonSchema, codec);
  }
  return codec;
}

const codecs = new WeakMap<object, JsonCodec>();
const fromUtf8 = new TextDecoder("utf-8", { fatal: true });
const depthMax = LIMITS.jsonDepthMax;
const PLAIN = createCodec(undefined);

function createCodec(numbers: NumberPlan | undefined): JsonCodec {
  const stringify = (data: unknown): string =>
    JSON.stringify(writable(data, { numbers, depthMax }));
  const parse = (text: string): unknown => {
    if (numbers !== undefined || hasWideInteger(text) || hasLargeExponent(text)) {
      return parseExactly(text, { numbers, depthMax });
    }
    try {
      const value: unknown = JSON.parse(text);
      if (!hasManyBrackets(text) || !nestsDeeper(value, depthMax)) return value;
    } catch {
      // The exact parser tells where and why.
    }
    return parseExactly(text, { numbers, depthMax });
  };
  return {
    stringify,
    parse,
    encode: (data) => checkSize(encodeText(stringify(data))),
    decode: (bytes) => parse(textOf(checkSize(bytes))),
  };
}

// Ids and hashes are full of digits. The first pattern of each look is one that the engine runs at
// memory speed; what it finds is then told from a number by what stands before it.
const SIXTEEN_DIGITS = /\d\d\d\d\d\d\d\d\d\d\d\d\d\d\d\d/;
const WIDE_INTEGER = /(?:^|[:,[\s-])\d{16}/;
const LARGE_EXPONENT = /[eE]\+?\d\d\d/g;

function hasWideInteger(text: string): boolean {
  return SIXTEEN_DIGITS.test(text) && WIDE_INTEGER.test(text);
}

function hasLargeExponent(text: string): boolean {
  LARGE_EXPONENT.lastIndex = 0;
  while (LARGE_EXPONENT.test(text)) {
    let at = LARGE_EXPONENT.lastIndex - "e100".length;
    if (text[at] === "+") at--;
    const exponentAt = at;
    while (isDigitOrDot(text.charCodeAt(at - 1))) at--;
    if (at < exponentAt && (at === 0 || ":,[- \n\r\t".includes(text[at - 1]!))) return true;
  }
  return false;
}

function isDigitOrDot(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || code === 0x2e;
}

/** A text with no more opening brackets than levels cannot nest too deeply; most texts have few. */
function hasManyBrackets(text: string): boolean {
  let count = 0;
  for (const bracket of ["{", "["]) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      if (++count > depthMax) return true;
    }
  }
  return false;
}

function nestsDeeper(value: unknown, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (levels === 0) return true;
  for (const name in value) {
    if (nestsDeeper(Reflect.get(value, name), levels - 1)) return true;
  }
  return false;
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8.decode(bytes);
  } catch (cause) {
    throw new MillraceError("BAD_JSON", "the payload is not UTF-8", { cause });
  }
}

function checkSize(bytes: Uint8Array): Uint8Array {
  if (bytes.length <= LIMITS.messageBytesMax) return bytes;
  throw new MillraceError(
    "TOO_LARGE",
    `the payload has ${bytes.length} bytes, at most ${LIMITS.messageBytesMax} are allowed; send a reference instead`,
    { details: { bytes: bytes.length, bytesMax: LIMITS.messageBytesMax } },
  );
}

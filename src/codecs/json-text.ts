/**
 * JSON as text: taking a value out of a document, and putting one in, without reading it.
 *
 * A payload's numbers may have more digits than a JavaScript number keeps, so a door hands its
 * text through untouched: what a publisher wrote is what a reader gets. The functions that cut want
 * text that is known to be valid JSON (`parseJson` has accepted it); they only find the borders.
 */

import { MillraceError } from "../model/errors.ts";
import { LIMITS } from "../model/limits.ts";

const WHITESPACE = new Set([" ", "\t", "\n", "\r"]);

/** A payload's own levels, and those that an envelope, a list and a request may put around it. */
const DEPTH_MAX = LIMITS.jsonDepthMax + 8;
/** Of an object whose members have names that we know. */
const MEMBERS_MAX = 1_000;

/**
 * Throws BAD_JSON with the parser's own words, which name the place, and for what nests so deeply that
 * nobody takes it: the engine parses millions of levels, and holds up everybody for seconds.
 */
export function parseJson(text: string): unknown {
  if (nestsTooDeeply(text)) {
    throw new MillraceError(
      "BAD_JSON",
      `this JSON nests deeper than ${DEPTH_MAX} levels; flatten it`,
    );
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 200) : "";
    throw new MillraceError("BAD_JSON", `this is not JSON: ${reason}`, { cause: error });
  }
}

/**
 * An object with members of known names; undefined for JSON of another kind. Throws BAD_JSON, also for
 * an object of very many members: each look at all of them would hold up everybody.
 */
export function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  const value = parseJson(text);
  if (!isObject(value)) return undefined;
  const count = Object.keys(value).length;
  if (count <= MEMBERS_MAX) return value;
  throw new MillraceError(
    "BAD_JSON",
    `this JSON object has ${count} members, and at most ${MEMBERS_MAX} are looked at; put what is data into a member of its own`,
  );
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Of any text: what is no JSON is for the parser to refuse. */
function nestsTooDeeply(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '"') {
      const end = stringEnd(text, at);
      if (end === 0) return false;
      at = end - 1;
    } else if (character === "{" || character === "[") {
      if (++depth > DEPTH_MAX) return true;
    } else if (character === "}" || character === "]") depth--;
  }
  return false;
}

/** The text of each top-level member's value by its name; of a repeated name the last, as parsers do. */
export function membersOf(objectText: string): ReadonlyMap<string, string> {
  const members = new Map<string, string>();
  for (const [from, to] of elementBorders(objectText)) {
    const nameEnd = stringEnd(objectText, from);
    const valueStart = skipWhitespace(objectText, skipWhitespace(objectText, nameEnd) + 1);
    const name: string = JSON.parse(objectText.slice(from, nameEnd));
    members.set(name, objectText.slice(valueStart, to));
  }
  return members;
}

/** The text of each element of an array. */
export function elementsOf(arrayText: string): readonly string[] {
  return elementBorders(arrayText).map(([from, to]) => arrayText.slice(from, to));
}

/** `{...fields, name: <the JSON text as it is>}` as JSON text. */
export function withMember(fields: object, name: string, json: string): string {
  const text = JSON.stringify(fields);
  const separator = text === "{}" ? "" : ",";
  return `${text.slice(0, -1)}${separator}${JSON.stringify(name)}:${json}}`;
}

/** Start and end of each comma-separated element of an object or array, whitespace around it left out. */
function elementBorders(text: string): (readonly [from: number, to: number])[] {
  const borders: (readonly [number, number])[] = [];
  let at = skipWhitespace(text, 0) + 1;
  let depth = 0;
  let from = skipWhitespace(text, at);
  for (at = from; at < text.length; at++) {
    const character = text[at]!;
    if (character === '"') at = stringEnd(text, at) - 1;
    else if (character === "{" || character === "[") depth++;
    else if (depth > 0 && (character === "}" || character === "]")) depth--;
    else if (depth === 0 && (character === "," || character === "}" || character === "]")) {
      const to = trimEnd(text, from, at);
      if (to > from) borders.push([from, to]);
      if (character !== ",") break;
      from = skipWhitespace(text, at + 1);
      at = from - 1;
    }
  }
  return borders;
}

/** The place after the closing quote of the string that opens at `at`; 0 where none closes it. */
function stringEnd(text: string, at: number): number {
  let end = text.indexOf('"', at + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end + 1;
}

/** Whether an odd number of backslashes stands before it. */
function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text[before] === "\\") before--;
  return (at - before) % 2 === 0;
}

function skipWhitespace(text: string, at: number): number {
  let next = at;
  while (WHITESPACE.has(text[next] ?? "")) next++;
  return next;
}

function trimEnd(text: string, from: number, to: number): number {
  let end = to;
  while (end > from && WHITESPACE.has(text[end - 1]!)) end--;
  return end;
}

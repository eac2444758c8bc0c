/**
 * Which messages a rule is about: by type and attributes, which are read without decoding the
 * payload, or by a function of the payload. Shared by subscriptions and routers.
 */

import { isExtensionName } from "../model/attributes.ts";
import type { Envelope } from "../model/envelope.ts";
import type {
  AttributeChange,
  AttributeMatch,
  Attributes,
  AttributeTest,
  MessageType,
  RoutingCondition,
  RoutingFacts,
} from "./declaration.ts";
import { refuse } from "./refusal.ts";

const NONE: Attributes = Object.freeze({});

export function factsOf(envelope: Envelope): RoutingFacts {
  const { id, type, version, source, key, time, actor, extensions = NONE } = envelope;
  return { id, type, version, source, key, time, actor, attributes: extensions };
}

export function matchesAttributes(match: AttributeMatch, attributes: Attributes): boolean {
  return Object.entries(match).every(([name, test]) => {
    const value = Object.hasOwn(attributes, name) ? attributes[name] : undefined;
    return passes(test, value);
  });
}

function passes(test: AttributeTest, value: string | undefined): boolean {
  if (isOneOrMany(test)) return value !== undefined && includes(test, value);
  if ("exists" in test) return test.exists === (value !== undefined);
  if ("prefix" in test) return value?.startsWith(test.prefix) === true;
  return value === undefined || !includes(test.not, value);
}

function isOneOrMany(test: AttributeTest): test is string | readonly string[] {
  return typeof test === "string" || Array.isArray(test);
}

function includes(wanted: string | readonly string[], value: string): boolean {
  return typeof wanted === "string" ? wanted === value : wanted.includes(value);
}

/**
 * The wire types that the patterns name among those of a channel: a handler's name, a wire type, or
 * the beginning of wire types with `*` behind it (`order.*`). All types where no pattern is given.
 *
 * Throws BAD_DECLARATION for a pattern that names none.
 */
export function typesNamed(
  what: string,
  types: Readonly<Record<string, MessageType>>,
  patterns: readonly string[] | undefined,
): ReadonlySet<string> {
  const wireTypes = Object.values(types).map(({ type }) => type);
  if (patterns === undefined) return new Set(wireTypes);
  if (!Array.isArray(patterns) || patterns.length === 0) {
    refuse(`types of ${what} is no list of types; write ["order.*"], or leave it out for all`);
  }
  const found = patterns.flatMap((pattern) => {
    const named = wireTypesOf(types, wireTypes, pattern);
    if (named.length > 0) return named;
    return refuse(
      `types of ${what} names ${JSON.stringify(pattern)}, which is none of ${Object.keys(types).join(", ")}, ${wireTypes.join(", ")}, nor the beginning of one with "*" behind it`,
    );
  });
  return new Set(found);
}

function wireTypesOf(
  types: Readonly<Record<string, MessageType>>,
  wireTypes: readonly string[],
  pattern: unknown,
): readonly string[] {
  if (typeof pattern !== "string") return [];
  if (Object.hasOwn(types, pattern)) return [types[pattern]!.type];
  if (!pattern.endsWith("*")) return wireTypes.filter((type) => type === pattern);
  const beginning = pattern.slice(0, -1);
  return wireTypes.filter((type) => type.startsWith(beginning));
}

/** Throws BAD_DECLARATION for what is neither a function nor tests of attributes. */
export function checkCondition(what: string, condition: RoutingCondition): void {
  if (typeof condition === "function") return;
  checkMatch(what, condition);
}

export function checkMatch(what: string, match: AttributeMatch): void {
  if (typeof match !== "object" || match === null || Object.keys(match).length === 0) {
    refuse(`${what} tests no attribute; write { priority: "high" }, or leave it out`);
  }
  for (const [name, test] of Object.entries(match)) {
    checkAttributeName(what, name);
    if (!isTest(test)) {
      refuse(
        `${what} tests ${name} by ${JSON.stringify(test)}; write a text, a list of texts, { prefix }, { exists } or { not }`,
      );
    }
  }
}

function isTest(test: unknown): boolean {
  if (isTexts(test)) return true;
  if (typeof test !== "object" || test === null || Array.isArray(test)) return false;
  const [only, second] = Object.entries(test);
  if (only === undefined || second !== undefined) return false;
  const [name, value] = only;
  if (name === "prefix") return typeof value === "string" && value !== "";
  return name === "exists" ? typeof value === "boolean" : name === "not" && isTexts(value);
}

function isTexts(value: unknown): boolean {
  if (typeof value === "string") return true;
  return (
    Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === "string")
  );
}

/** Throws BAD_DECLARATION for what is neither a function nor attributes. */
export function checkChange(what: string, change: AttributeChange): void {
  if (typeof change === "function") return;
  checkAttributes(what, change);
  if (Object.keys(change).length === 0) {
    refuse(`${what} sets no attribute; write { priority: "high" }, or leave it out`);
  }
}

/** Throws BAD_DECLARATION for names that the envelope cannot take, and values that are no texts. */
export function checkAttributes(what: string, attributes: Attributes): void {
  if (typeof attributes !== "object" || attributes === null || Array.isArray(attributes)) {
    refuse(`${what} gives ${JSON.stringify(attributes)}; give attributes: { priority: "high" }`);
  }
  for (const [name, value] of Object.entries(attributes)) {
    checkAttributeName(what, name);
    if (typeof value !== "string" || value === "") {
      refuse(`${what} gives ${name} the value ${JSON.stringify(value)}; give a text`);
    }
  }
}

/** `subject` is the key's own name. */
function checkAttributeName(what: string, name: string): void {
  if (isExtensionName(name) && name !== "subject") return;
  refuse(
    `${what} names the attribute ${JSON.stringify(name)}, which is taken by the envelope or has other letters than a-z and 0-9; take another name`,
  );
}

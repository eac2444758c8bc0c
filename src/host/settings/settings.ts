/**
 * Checks of what users configure. A shape names the keys that an object may have and how each value
 * is checked; anything else is refused as BAD_CONFIG with the path of the key, the value's limit and,
 * for a misspelt key, the nearest known one. Nothing is corrected or ignored.
 */

import { MillraceError } from "../../model/errors.ts";
import { nearestName } from "./nearest.ts";

/** Throws BAD_CONFIG when `value`, found at `path`, is not as it should be. */
export type Check = (value: unknown, path: string) => void;

export function fail(path: string, problem: string): never {
  throw new MillraceError("BAD_CONFIG", `${path} ${problem}`, { details: { path } });
}

/** An object with these keys and no others; each may be left out unless `required` names it. */
export function shape(
  keys: Readonly<Record<string, Check>>,
  required: readonly string[] = [],
): Check {
  return (value, path) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      fail(path, `must be an object with ${Object.keys(keys).join(", ")}`);
    }
    const prefix = path === "" ? "" : `${path}.`;
    for (const [key, item] of Object.entries(value)) {
      const check = Object.hasOwn(keys, key) ? keys[key] : undefined;
      if (check === undefined) failUnknownKey(prefix, key, Object.keys(keys));
      if (item !== undefined) check(item, `${prefix}${key}`);
    }
    const given = new Map<string, unknown>(Object.entries(value));
    for (const key of required) {
      if (given.get(key) === undefined) fail(`${prefix}${key}`, "is missing; it must be set");
    }
  };
}

function failUnknownKey(prefix: string, key: string, known: readonly string[]): never {
  const nearest = nearestName(key, known);
  const remedy =
    nearest === undefined
      ? `known keys are ${known.map((name) => prefix + name).join(", ")}`
      : `did you mean ${prefix}${nearest}?`;
  fail(`${prefix}${key}`, `is not a known key; ${remedy}`);
}

export function integer(min: number, max: number): Check {
  return (value, path) => {
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max) {
      fail(path, `must be a whole number from ${min} to ${max}, not ${shown(value)}`);
    }
  };
}

export const flag: Check = (value, path) => {
  if (typeof value !== "boolean") fail(path, `must be true or false, not ${shown(value)}`);
};

export const text: Check = (value, path) => {
  if (typeof value !== "string" || value === "") {
    fail(path, `must be a text that is not empty, not ${shown(value)}`);
  }
};

export function oneOf(...allowed: readonly string[]): Check {
  return (value, path) => {
    if (typeof value !== "string" || !allowed.includes(value)) {
      fail(path, `must be one of ${allowed.join(", ")}, not ${shown(value)}`);
    }
  };
}

/** An object with these methods and texts: what a factory such as `embedded()` returned. */
export function objectWith(members: readonly string[], remedy: string): Check {
  return (value, path) => {
    const has = (name: string): boolean =>
      typeof value === "object" && value !== null && name in value;
    if (!members.every(has)) fail(path, `is ${shown(value)}; ${remedy}`);
  };
}

export const callable: Check = (value, path) => {
  if (typeof value !== "function") fail(path, "must be a function");
};

export function listOf(check: Check): Check {
  return (value, path) => {
    if (!Array.isArray(value)) fail(path, `must be an array, not ${shown(value)}`);
    for (const [index, item] of value.entries()) check(item, `${path}[${index}]`);
  };
}

/** Short, and only a kind for what might hold a secret. */
function shown(value: unknown): string {
  if (typeof value === "string") return value.length <= 40 ? JSON.stringify(value) : "a long text";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (value === null || value === undefined) return String(value);
  if (Array.isArray(value)) return "an array";
  return typeof value === "function" ? "a function" : "an object";
}

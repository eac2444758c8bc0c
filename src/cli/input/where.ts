/** `--where status=open`, `--where 'total>=5'`: conditions on documents, as people type them. */

import { MillraceError } from "../../model/errors.ts";
import type { Comparison, DocumentQuery } from "../../store/store.ts";
import type { IndexValue } from "../../store/write-set.ts";

const CONDITION = /^([\w.-]+)(>=|<=|>|<|=)(.*)$/s;
const RANGE = { ">=": "gte", ">": "gt", "<=": "lte", "<": "lt" } as const;

/**
 * Values are JSON where they read as a number, `true`, `false`, `null` or a quoted text, and otherwise
 * the text itself; commas list alternatives. A range takes two conditions on one field. Throws
 * BAD_ARGUMENT.
 */
export function parseWhere(conditions: readonly string[]): NonNullable<DocumentQuery["where"]> {
  const where = new Map<string, Comparison>();
  for (const text of conditions) {
    const [, field = "", operator = "", value = ""] = CONDITION.exec(text) ?? [];
    if (field === "") {
      throw badCondition(
        text,
        "write FIELD=VALUE, FIELD>=VALUE, FIELD>VALUE, FIELD<=VALUE, FIELD<VALUE",
      );
    }
    const before = where.get(field);
    if (operator === ">=" || operator === ">" || operator === "<=" || operator === "<") {
      const bound = { [RANGE[operator]]: rangeValue(value, text) };
      if (before === undefined) where.set(field, bound);
      else if (isRange(before)) where.set(field, { ...before, ...bound });
      else throw badCondition(text, `${field} has another condition already`);
    } else {
      if (before !== undefined) throw badCondition(text, `${field} has another condition already`);
      where.set(field, equality(value));
    }
  }
  return Object.fromEntries(where);
}

function equality(value: string): Comparison {
  const items = value.startsWith('"') ? [value] : value.split(",");
  const [first = "", ...others] = items;
  return others.length === 0 ? indexValue(first) : { in: items.map(indexValue) };
}

function rangeValue(value: string, text: string): string | number {
  const bound = indexValue(value);
  if (typeof bound === "string" || typeof bound === "number") return bound;
  throw badCondition(text, "a range has a number or a text");
}

function indexValue(text: string): IndexValue {
  if (!/^(-?\d+(\.\d+)?([eE][+-]?\d+)?|true|false|null|".*")$/s.test(text)) return text;
  let value: IndexValue;
  try {
    value = JSON.parse(text);
  } catch {
    return text;
  }
  if (/^-?\d+$/.test(text) && !Number.isSafeInteger(value)) {
    throw badCondition(text, `${text} would lose digits; index it as text, and write it in quotes`);
  }
  return value;
}

function isRange(comparison: Comparison): comparison is Exclude<Comparison, IndexValue> {
  return typeof comparison === "object" && comparison !== null && !("in" in comparison);
}

function badCondition(text: string, remedy: string): MillraceError {
  return new MillraceError("BAD_ARGUMENT", `--where ${text} is no condition: ${remedy}`);
}

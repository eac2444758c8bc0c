/**
 * Queries over documents, as far as they are the same on every store: what is refused, how values
 * compare, and what a cursor holds.
 */

import { MillraceError } from "../model/errors.ts";
import { STORE_LIMITS } from "./limits.ts";
import type { CollectionSpec, Comparison, DocumentQuery } from "./store.ts";
import type { IndexValue } from "./write-set.ts";

export interface DocumentSearch {
  readonly where: readonly (readonly [field: string, comparison: FieldComparison])[];
  readonly order: string;
  readonly descending: boolean;
  readonly limit: number;
  readonly after: Place | undefined;
}

/** A document's place in an order. */
export interface Place {
  readonly value: IndexValue;
  readonly id: string;
}

export type RangeOperator = "gte" | "gt" | "lte" | "lt";

export type FieldComparison =
  | { readonly kind: "in"; readonly values: readonly IndexValue[] }
  | {
      readonly kind: "range";
      readonly bounds: readonly (readonly [RangeOperator, string | number])[];
    };

const RANGE_OPERATORS: ReadonlySet<string> = new Set<RangeOperator>(["gte", "gt", "lte", "lt"]);

/** Throws BAD_ARGUMENT for a field that is not indexed and for what is out of range. */
export function parseSearch(spec: CollectionSpec, query: DocumentQuery): DocumentSearch {
  const descending = query.order?.startsWith("-") ?? false;
  const order = descending ? query.order!.slice(1) : (query.order ?? "id");
  requireIndex(spec, order);
  const limit = query.limit ?? 100;
  if (!Number.isInteger(limit) || limit < 1 || limit > STORE_LIMITS.queryLimitMax) {
    throw badArgument(`limit ${limit} is not a whole number from 1 to 1,000`);
  }
  const where = Object.entries(query.where ?? {}).map(([field, comparison]) => {
    requireIndex(spec, field);
    return [field, parseComparison(field, comparison)] as const;
  });
  const after = query.after === undefined ? undefined : parseCursor(query.after, query.order);
  return { where, order, descending, limit, after };
}

/** Whether a document with this field passes. */
export function matches(comparison: FieldComparison, value: IndexValue): boolean {
  if (comparison.kind === "in") return comparison.values.some((wanted) => wanted === value);
  return comparison.bounds.every(([operator, bound]) => {
    if (typeof value !== typeof bound) return false;
    const difference = compareValues(value, bound);
    if (operator === "gte") return difference >= 0;
    if (operator === "gt") return difference > 0;
    if (operator === "lte") return difference <= 0;
    return difference < 0;
  });
}

export function comparePlaces(a: Place, b: Place): number {
  return compareValues(a.value, b.value) || compareTexts(a.id, b.id);
}

/** Null, numbers, texts, false, true. */
export function compareValues(a: IndexValue, b: IndexValue): number {
  if (typeof a === "string" && typeof b === "string") return compareTexts(a, b);
  return rankOf(a) - rankOf(b) || Number(a) - Number(b);
}

/** By code point, as UTF-8 bytes compare; `<` on strings compares UTF-16 units instead. */
export function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) return codePointRank(left) - codePointRank(right);
  }
  return a.length - b.length;
}

export function formatCursor(order: string | undefined, { value, id }: Place): string {
  const bytes = new TextEncoder().encode(JSON.stringify([order ?? "id", value, id]));
  const text = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function parseCursor(cursor: string, order: string | undefined): Place {
  let parsed: unknown;
  try {
    const text = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    parsed = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (cause) {
    throw badArgument(`"after" must be the "next" of a page before`, cause);
  }
  if (!Array.isArray(parsed) || parsed.length !== 3) {
    throw badArgument(`"after" must be the "next" of a page before`);
  }
  const [cursorOrder, value, id]: unknown[] = parsed;
  if (typeof cursorOrder !== "string") {
    throw badArgument(`"after" must be the "next" of a page before`);
  }
  if (cursorOrder !== (order ?? "id")) {
    throw badArgument(
      `"after" belongs to the order "${cursorOrder.slice(0, 100)}", not "${order ?? "id"}"; ` +
        `ask every page in the same order`,
    );
  }
  if (!isIndexValue(value) || typeof id !== "string") {
    throw badArgument(`"after" must be the "next" of a page before`);
  }
  return { value, id };
}

function parseComparison(field: string, comparison: Comparison): FieldComparison {
  if (isIndexValue(comparison)) return { kind: "in", values: [comparison] };
  if (typeof comparison !== "object" || comparison === null) {
    throw badArgument(`where.${field} must be a text, a finite number, true, false or null`);
  }
  if ("in" in comparison) {
    if (!Array.isArray(comparison.in) || !comparison.in.every(isIndexValue)) {
      throw badArgument(
        `where.${field}.in must be a list of texts, finite numbers, booleans, null`,
      );
    }
    if (comparison.in.length > STORE_LIMITS.queryLimitMax) {
      throw badArgument(`where.${field}.in has more than 1,000 values; ask in parts`);
    }
    return { kind: "in", values: comparison.in };
  }
  const bounds = Object.entries(comparison);
  if (bounds.length === 0) throw badArgument(`where.${field} compares with nothing`);
  return {
    kind: "range",
    bounds: bounds.map(([operator, bound]) => {
      if (!isRangeOperator(operator)) {
        throw badArgument(`where.${field} knows in, gte, gt, lte and lt, not "${operator}"`);
      }
      if (typeof bound !== "string" && !Number.isFinite(bound)) {
        throw badArgument(`where.${field}.${operator} must be a text or a finite number`);
      }
      return [operator, bound] as const;
    }),
  };
}

function requireIndex(spec: CollectionSpec, field: string): void {
  if (field === "id" || spec.index.includes(field)) return;
  const known = ["id", ...spec.index].join(", ");
  throw badArgument(
    `"${field}" is not indexed, and what can be asked for is ${known}; add the field to the index of the view or document`,
  );
}

function isIndexValue(value: unknown): value is IndexValue {
  return (
    value === null ||
    typeof value === "string" ||
    typeof value === "boolean" ||
    (typeof value === "number" && Number.isFinite(value))
  );
}

function isRangeOperator(operator: string): operator is RangeOperator {
  return RANGE_OPERATORS.has(operator);
}

function rankOf(value: IndexValue): number {
  if (value === null) return 0;
  if (typeof value === "number") return 1;
  return typeof value === "string" ? 2 : 3;
}

/** Moves surrogates, which stand for code points above all others, behind the rest of the plane. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

function badArgument(text: string, cause?: unknown): MillraceError {
  return new MillraceError("BAD_ARGUMENT", text, { cause });
}

/**
 * What JSON can carry, checked before it is written: `JSON.stringify` would turn NaN into null, a Date
 * into text and a Map into nothing, and the reader would find out. What is refused here is exactly
 * what a reader would not get back.
 */

import { MillraceError } from "../model/errors.ts";
import { defineOwn } from "./define-own.ts";
import { fieldPath, type FieldPath } from "./field-path.ts";
import { INTEGER_RANGES, type NumberPlan } from "./number-plan.ts";

declare global {
  interface JSON {
    /** Text that `stringify` writes as it is (ECMAScript's source text access proposal). */
    rawJSON(text: string): object;
  }
}

export interface WriteOptions {
  readonly numbers: NumberPlan | undefined;
  readonly depthMax: number;
}

/**
 * Returns the value itself, or where the schema has number formats a copy in which those numbers
 * stand as raw text; either is ready for `JSON.stringify`.
 *
 * Throws BAD_PAYLOAD naming the field that JSON cannot carry.
 */
export function writable(value: unknown, { numbers, depthMax }: WriteOptions): unknown {
  const path: FieldPath = [];
  return numbers === undefined
    ? check(value, path, depthMax)
    : copy(value, numbers, path, depthMax);
}

function check(value: unknown, path: FieldPath, depthMax: number): unknown {
  if (typeof value !== "object" || value === null) return scalar(value, undefined, path);
  checkContainer(value, path, depthMax);
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      path.push(index);
      check(value[index], path, depthMax);
      path.pop();
    }
    return value;
  }
  // The prototype has no enumerable names, and this loop is several times faster than entries.
  for (const name in value) {
    const field: unknown = Reflect.get(value, name);
    if (field === undefined) continue;
    path.push(name);
    check(field, path, depthMax);
    path.pop();
  }
  return value;
}

function copy(
  value: unknown,
  numbers: NumberPlan | undefined,
  path: FieldPath,
  depthMax: number,
): unknown {
  if (numbers === undefined) return check(value, path, depthMax);
  if (typeof value !== "object" || value === null) return scalar(value, numbers, path);
  checkContainer(value, path, depthMax);
  if (Array.isArray(value)) {
    return value.map((item, index) => {
      path.push(index);
      const copied = copy(item, numbers.item(index), path, depthMax);
      path.pop();
      return copied;
    });
  }
  const result: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(value)) {
    if (field === undefined) continue;
    path.push(name);
    const copied = copy(field, numbers.property(name), path, depthMax);
    path.pop();
    if (name === "__proto__") defineOwn(result, name, copied);
    else result[name] = copied;
  }
  return result;
}

function scalar(value: unknown, numbers: NumberPlan | undefined, path: FieldPath): unknown {
  if (typeof value === "string")
    return numbers?.format === "decimal" ? decimal(value, path) : value;
  if (typeof value === "number") return plainNumber(value, numbers, path);
  if (typeof value === "boolean" || value === null) return value;
  if (typeof value === "bigint") return wideInteger(value, numbers, path);
  throw refused(path, `is ${typeof value}; JSON has no such thing`);
}

const DECIMAL = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

function decimal(text: string, path: FieldPath): object {
  if (DECIMAL.test(text)) return JSON.rawJSON(text);
  throw refused(path, `is ${JSON.stringify(text.slice(0, 40))}; a decimal is written like "12.30"`);
}

function plainNumber(value: number, numbers: NumberPlan | undefined, path: FieldPath): number {
  if (!Number.isFinite(value)) throw refused(path, `is ${value}; JSON has no such number`);
  if (numbers?.format === undefined && Number.isInteger(value) && !Number.isSafeInteger(value)) {
    throw refused(
      path,
      `is ${value}, an integer beyond 2^53; give the field the format int64 (a bigint) or double in its JSON Schema`,
    );
  }
  return value;
}

function wideInteger(value: bigint, numbers: NumberPlan | undefined, path: FieldPath): object {
  const format = numbers?.format;
  if (format !== "int64" && format !== "uint64") {
    throw refused(
      path,
      "is a bigint; give the field the format int64 in the declaration's jsonSchema",
    );
  }
  const { min, max } = INTEGER_RANGES[format];
  if (value < min || value > max) throw refused(path, `is ${value}, out of the range of ${format}`);
  return JSON.rawJSON(String(value));
}

function checkContainer(value: object, path: FieldPath, depthMax: number): void {
  if (path.length >= depthMax) {
    throw refused(path, `nests deeper than ${depthMax} levels; flatten it, or break its circle`);
  }
  if (Array.isArray(value)) return;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw refused(
      path,
      `is a ${value.constructor.name}; JSON has plain objects, arrays, texts, numbers, true, false and null`,
    );
  }
}

function refused(path: FieldPath, why: string): MillraceError {
  const field = fieldPath(path);
  return new MillraceError("BAD_PAYLOAD", `${field} ${why}`, { details: { fields: [field] } });
}

/** Reading a JSON object that a stranger sent: only known fields, each of its form. */

import type { RepairOptions } from "../../admin/admin.ts";
import { MillraceError } from "../../model/errors.ts";

export interface Fields {
  text(name: string): string | undefined;
  requiredText(name: string): string;
  texts(name: string): readonly string[] | undefined;
  wholeNumber(name: string): number | undefined;
  /** False where it is left out. */
  flag(name: string): boolean;
}

/** Throws BAD_ARGUMENT for a field that is not among `names`, and for one of a wrong form. */
export function fieldsOf(
  object: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Fields {
  const unknown = Object.keys(object).find((name) => !names.includes(name));
  if (unknown !== undefined) {
    throw badField(
      unknown,
      `there is no field ${JSON.stringify(unknown.slice(0, 40))} here; use ${names.join(", ")}`,
    );
  }
  const text = (name: string): string | undefined => {
    const value = object[name];
    if (value === undefined || typeof value === "string") return value;
    throw badField(name, `${name} must be a text`);
  };
  return {
    text,
    requiredText(name) {
      const value = text(name);
      if (value === undefined) throw badField(name, `${name} is missing; it must be a text`);
      return value;
    },
    texts(name) {
      const value = object[name];
      if (value === undefined) return undefined;
      if (Array.isArray(value) && value.every((item) => typeof item === "string")) return value;
      throw badField(name, `${name} must be a list of texts`);
    },
    wholeNumber(name) {
      const value = object[name];
      if (value === undefined) return undefined;
      if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
      throw badField(name, `${name} must be a whole number from 0`);
    },
    flag(name) {
      const value = object[name] ?? false;
      if (typeof value === "boolean") return value;
      throw badField(name, `${name} must be true or false`);
    },
  };
}

/** Whether a change is only tried, and who asks for it. */
export function repairOptions(fields: Fields): RepairOptions {
  const by = fields.text("by");
  return { dryRun: fields.flag("dryRun"), ...(by !== undefined && { by }) };
}

function badField(name: string, message: string): MillraceError {
  return new MillraceError("BAD_ARGUMENT", message, { details: { argument: name.slice(0, 40) } });
}

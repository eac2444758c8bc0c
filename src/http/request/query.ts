/** Reading a request's query: only the parameters that the address knows, each of its form. */

import type { Context } from "hono";
import { MillraceError } from "../../model/errors.ts";

/** The gate takes it from any address. */
const TOKEN = "token";

export interface Query {
  text(name: string): string | undefined;
  required(name: string): string;
  /** All the values of a parameter that may be repeated. */
  texts(name: string): readonly string[];
  wholeNumber(name: string, options?: { readonly max?: number }): number | undefined;
  /** Present without a value, `true` or `false`. */
  flag(name: string): boolean;
}

/** Throws BAD_ARGUMENT for a parameter that is not among `names`: a misspelt filter must not be ignored. */
export function readQuery(c: Context, names: readonly string[]): Query {
  const given = c.req.queries();
  for (const name of Object.keys(given)) {
    if (name !== TOKEN && !names.includes(name)) {
      const known = names.length === 0 ? "takes no parameters" : `takes ${names.join(", ")}`;
      throw badArgument(
        name,
        `there is no parameter ${JSON.stringify(name.slice(0, 40))} here; this address ${known}`,
      );
    }
  }
  const text = (name: string): string | undefined => given[name]?.at(-1);
  return {
    text,
    required(name) {
      const value = text(name);
      if (value === undefined) throw badArgument(name, `${name} is missing; add ?${name}=…`);
      return value;
    },
    texts: (name) => given[name] ?? [],
    wholeNumber(name, { max = Number.MAX_SAFE_INTEGER } = {}) {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = /^\d{1,16}$/.test(value) ? Number(value) : Number.NaN;
      if (number <= max) return number;
      throw badArgument(
        name,
        `${name} must be a whole number from 0 to ${max}, not ${JSON.stringify(value.slice(0, 40))}`,
      );
    },
    flag(name) {
      const value = text(name);
      if (value === undefined || value === "false") return false;
      if (value === "" || value === "true") return true;
      throw badArgument(
        name,
        `${name} must be true or false, not ${JSON.stringify(value.slice(0, 40))}`,
      );
    },
  };
}

/** An offset expression; a `+` that was not percent-encoded arrives as a space. */
export function offsetExpression(text: string): string {
  return text.replace(/^ /, "+");
}

export function badArgument(name: string, message: string): MillraceError {
  return new MillraceError("BAD_ARGUMENT", message, { details: { argument: name } });
}

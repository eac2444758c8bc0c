/** How long a request may take, as a caller says it: `5s`, `1500ms`, or milliseconds. */

import { badArgument } from "./query.ts";

const DEFAULT_MS = 10_000;

/** Throws BAD_ARGUMENT. */
export function deadlineOf(
  text: string | undefined,
  { max, name = "deadline" }: { readonly max: number; readonly name?: string },
): number {
  if (text === undefined) return Math.min(DEFAULT_MS, max);
  const [, digits, unit] = /^(\d{1,9})(ms|s)?$/.exec(text) ?? [];
  const ms = Number(digits) * (unit === "s" ? 1000 : 1);
  if (digits !== undefined && ms >= 1 && ms <= max) return ms;
  throw badArgument(
    name,
    `${name} must be a time from 1ms to ${max / 1000}s, as in 5s or 1500ms, not ${JSON.stringify(text.slice(0, 40))}`,
  );
}

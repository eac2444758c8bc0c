/** The result of one item of a batch: items fail one by one, never the batch as a whole. */

import type { MillraceError } from "./errors.ts";

export type Outcome<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly error: MillraceError };

/** The values of a batch, or the first failure thrown. */
export function valuesOf<Value>(outcomes: readonly Outcome<Value>[]): Value[] {
  return outcomes.map((outcome) => {
    if (!outcome.ok) throw outcome.error;
    return outcome.value;
  });
}

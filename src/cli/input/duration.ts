/** `--deadline 5s`: spans of time, as declarations write them. */

import { isMillraceError, MillraceError } from "../../model/errors.ts";
import { durationMs } from "../../schema/duration.ts";

/** Throws BAD_ARGUMENT, naming the option. */
export function parseDurationMs(text: string, option: string): number {
  try {
    return durationMs(text, option);
  } catch (error) {
    if (!isMillraceError(error)) throw error;
    throw new MillraceError("BAD_ARGUMENT", error.message, { details: { argument: option } });
  }
}

/** What writer and reader of CloudEvents attributes share: names and the error that they throw. */

import { MillraceError } from "../model/errors.ts";

/** The media type of a payload that does not say its own. */
export const JSON_MEDIA_TYPE = "application/json";

/** `why` completes the sentence "the message's `field` …". */
export function badEnvelope(field: string, why: string): MillraceError {
  return new MillraceError("BAD_ENVELOPE", `the message's ${field} ${why}`, { details: { field } });
}

export function missing(field: string): MillraceError {
  return badEnvelope(field, "is missing; every message needs one");
}

/** What writer and reader of CloudEvents attributes share: names and the error that they throw. */

import { MillraceError } from "../model/errors.ts";

/** The media type of a payload that does not say its own. */
export const JSON_MEDIA_TYPE = "application/json";

/** Attributes that have a field of the envelope. `subject` is the key's, unless the two differ. */
export const FIELD_ATTRIBUTES = [
  "specversion",
  "id",
  "type",
  "source",
  "subject",
  "time",
  "kind",
  "schemaversion",
  "correlationid",
  "causationid",
  "actor",
  "traceparent",
  "tracestate",
  "replyto",
  "expirytime",
  "corrects",
  "attempt",
  "lane",
  "laneepoch",
  "lanesequence",
  "encryptedfields",
  "encryptionkeyid",
  "previoushash",
] as const;

export type FieldAttribute = (typeof FIELD_ATTRIBUTES)[number];

const NOT_EXTENSIONS: ReadonlySet<string> = new Set([
  ...FIELD_ATTRIBUTES.filter((name) => name !== "subject"),
  // These belong to the payload in one binding or another.
  "data",
  "datacontenttype",
]);

/** CloudEvents allows lower-case letters and digits, so that every binding can carry the name. */
export function isExtensionName(name: string): boolean {
  return /^[a-z0-9]+$/.test(name) && !NOT_EXTENSIONS.has(name);
}

/** `why` completes the sentence "the message's `field` …". */
export function badEnvelope(field: string, why: string): MillraceError {
  return new MillraceError("BAD_ENVELOPE", `the message's ${field} ${why}`, { details: { field } });
}

export function missing(field: string): MillraceError {
  return badEnvelope(field, "is missing; every message needs one");
}

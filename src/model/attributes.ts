/** The names of CloudEvents attributes: which have a field of the envelope, and which are free. */

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

/**
 * What the runtime alone writes, to tell its own messages apart: the place in its output, tries, and
 * the command that a message stands for (`service/ask/command-id.ts`). Doors refuse it from strangers,
 * whose message would be taken for another, and do not tell it to them.
 */
export const RUNTIME_ATTRIBUTES: ReadonlySet<string> = new Set([
  "lane",
  "laneepoch",
  "lanesequence",
  "attempt",
  "commandid",
  "answersfor",
]);

/** CloudEvents allows lower-case letters and digits, so that every binding can carry the name. */
export function isExtensionName(name: string): boolean {
  return /^[a-z0-9]+$/.test(name) && !NOT_EXTENSIONS.has(name);
}

/** `document`: a kind of documents that consumers of a service keep. */

import { MillraceError } from "../../model/errors.ts";
import type { MessageType } from "../../schema/declaration.ts";
import type { CollectionSpec } from "../../store/store.ts";
import type { IndexValue } from "../../store/write-set.ts";
import { checkPartName, checkOptions } from "../declaration-checks.ts";

export interface DocumentDeclaration<Data = any> {
  readonly kind: "document";
  readonly name: string;
  /** The collection in the service's store. */
  readonly collection: string;
  readonly index: readonly string[];
  /** Throws BAD_PAYLOAD naming the field. */
  readonly check: (data: Data) => void;
}

/** The fields of a state by which its documents can be found. */
export type IndexField<Data> = {
  [Field in keyof Data & string]: [Data[Field]] extends [IndexValue | undefined] ? Field : never;
}[keyof Data & string];

export interface DocumentOptions<Data> {
  /** Fields by which documents can be found. */
  readonly index?: readonly IndexField<NoInfer<Data>>[];
  /** What every document must fit; without it the type alone says so. */
  readonly schema?: MessageType<string, any, Data>["schema"];
}

/**
 * Declares documents that handlers get as `docs`. The data's type comes from the schema, or is named:
 * `document<Refund>("refund")`.
 *
 * Throws BAD_DECLARATION for a bad name or an unknown option.
 */
export function document<Data>(
  name: string,
  options: DocumentOptions<Data> = {},
): DocumentDeclaration<Data> {
  checkPartName(name, "document");
  checkOptions(options, `document "${name}"`, ["index", "schema"]);
  const { schema, index = [] } = options;
  return Object.freeze({
    kind: "document",
    name,
    collection: `document.${name}`,
    index: [...index],
    check: (data: Data) => {
      if (schema !== undefined) checkDocument(name, schema, data);
    },
  });
}

function checkDocument(name: string, schema: MessageType["schema"], data: unknown): void {
  const result = schema["~standard"].validate(data);
  if (result instanceof Promise) {
    // Its result is of no interest, and must not end the process as an unhandled rejection.
    result.catch(() => undefined);
    throw new MillraceError(
      "BAD_DECLARATION",
      `document "${name}" has an asynchronous schema; validate without waiting`,
    );
  }
  const [issue] = result.issues ?? [];
  if (issue === undefined) return;
  const field = (issue.path ?? [])
    .map((step) => String(typeof step === "object" ? step.key : step))
    .join(".");
  throw new MillraceError(
    "BAD_PAYLOAD",
    `document "${name}": ${field || "data"}: ${issue.message}`,
    {
      details: { document: name, fields: [field || "data"] },
    },
  );
}

/** Where the store keeps the documents that a part declares. */
export function collectionsOf(
  docs: Readonly<Record<string, DocumentDeclaration>>,
): readonly CollectionSpec[] {
  return Object.values(docs).map(({ collection, index }) => ({ name: collection, index }));
}

/** The values of a state's indexed fields; absent ones are null. */
export function indexedValues(
  what: string,
  index: readonly string[],
  state: unknown,
): Record<string, IndexValue> {
  const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(state ?? {}));
  const values: Record<string, IndexValue> = {};
  for (const field of index) {
    const value = fields.get(field) ?? null;
    if (!isIndexValue(value)) throw notIndexable(what, field, typeof value);
    values[field] = value;
  }
  return values;
}

function isIndexValue(value: unknown): value is IndexValue {
  return value === null || ["string", "number", "boolean"].includes(typeof value);
}

function notIndexable(what: string, field: string, found: string): MillraceError {
  return new MillraceError(
    "BAD_PAYLOAD",
    `${what}: the indexed field "${field}" is of type ${found}; index text, finite numbers, booleans or null`,
    { details: { fields: [field] } },
  );
}

/** Documents of one store in memory, with the versions that survive a deletion. */

import { MillraceError } from "../model/errors.ts";
import type { DocumentVersion } from "../store/batch-plan.ts";
import { comparePlaces, formatCursor, matches, parseSearch } from "../store/document-search.ts";
import type { Place } from "../store/document-search.ts";
import type {
  CollectionSpec,
  DocumentPage,
  DocumentQuery,
  StoredDocument,
} from "../store/store.ts";
import type { DocumentWrite, IndexValue } from "../store/write-set.ts";

interface Row {
  readonly id: string;
  readonly version: number;
  /** Null after a deletion: the row stays for its version. */
  readonly json: string | null;
  readonly indexed: Readonly<Record<string, IndexValue>>;
}

interface Collection {
  spec: CollectionSpec;
  readonly rows: Map<string, Row>;
}

export class MemoryDocuments {
  readonly #collections = new Map<string, Collection>();

  ensure(spec: CollectionSpec): void {
    const collection = this.#collections.get(spec.name);
    if (collection === undefined) {
      this.#collections.set(spec.name, { spec, rows: new Map() });
      return;
    }
    const added = spec.index.filter((field) => !collection.spec.index.includes(field));
    for (const row of added.length === 0 ? [] : collection.rows.values()) {
      const fromJson = row.json === null ? {} : topLevelFields(row.json, added);
      collection.rows.set(row.id, { ...row, indexed: { ...row.indexed, ...fromJson } });
    }
    collection.spec = spec;
  }

  drop(name: string): void {
    this.#collections.delete(name);
  }

  count(name: string): number {
    return [...this.#collection(name).rows.values()].filter((row) => row.json !== null).length;
  }

  get(name: string, ids: readonly string[]): Map<string, StoredDocument> {
    const { rows } = this.#collection(name);
    const found = new Map<string, StoredDocument>();
    for (const id of ids) {
      const row = rows.get(id);
      if (row !== undefined && row.json !== null) found.set(id, documentOf(row, row.json));
    }
    return found;
  }

  find(name: string, query: DocumentQuery): DocumentPage {
    const { spec, rows } = this.#collection(name);
    const { where, order, descending, limit, after } = parseSearch(spec, query);
    const direction = descending ? -1 : 1;
    const placeOf = (row: Row): Place => ({ value: valueOf(row, order), id: row.id });
    const documents: StoredDocument[] = [];
    let last: Place | undefined;
    const candidates = [...rows.values()]
      .filter((row) => where.every(([field, wanted]) => matches(wanted, valueOf(row, field))))
      .filter((row) => after === undefined || comparePlaces(placeOf(row), after) * direction > 0)
      .toSorted((a, b) => comparePlaces(placeOf(a), placeOf(b)) * direction);
    for (const row of candidates) {
      if (row.json === null) continue;
      if (documents.length === limit && last !== undefined) {
        return { documents, next: formatCursor(query.order, last) };
      }
      documents.push(documentOf(row, row.json));
      last = placeOf(row);
    }
    return { documents };
  }

  versionOf(name: string, id: string): DocumentVersion {
    const row = this.#collection(name).rows.get(id);
    return { version: row?.version ?? 0, live: row !== undefined && row.json !== null };
  }

  write({ collection, id, json, indexed = {} }: DocumentWrite): void {
    const { version, live } = this.versionOf(collection, id);
    if (json === null && !live) return;
    this.#collection(collection).rows.set(id, { id, version: version + 1, json, indexed });
  }

  /** Throws BAD_ARGUMENT for a collection that was never ensured. */
  #collection(name: string): Collection {
    const collection = this.#collections.get(name);
    if (collection !== undefined) return collection;
    throw new MillraceError(
      "BAD_ARGUMENT",
      `the store has no collection ${name}; call ensureCollections with it first`,
    );
  }
}

function documentOf({ id, version }: Row, json: string): StoredDocument {
  return { id, version, json };
}

function valueOf(row: Row, field: string): IndexValue {
  return field === "id" ? row.id : (row.indexed[field] ?? null);
}

function topLevelFields(
  json: string,
  fields: readonly string[],
): Readonly<Record<string, IndexValue>> {
  const parsed: unknown = JSON.parse(json);
  if (typeof parsed !== "object" || parsed === null) return {};
  const wanted = Object.entries(parsed).filter(([field]) => fields.includes(field));
  return Object.fromEntries(
    wanted.filter(([, value]) => ["string", "number", "boolean"].includes(typeof value)),
  );
}

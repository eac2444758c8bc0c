/**
 * Documents: a table per collection, with a column and a partial index per indexed field. A deleted
 * document keeps its row, without content, for its version.
 *
 * How values stand in an index column, so that SQLite's own order (numbers, texts, bytes) is the
 * port's, and no comparison meets SQL's NULL: null is minus infinity, numbers and texts are
 * themselves, false and true are one byte. NULL stands only in the columns of deleted documents.
 */

import type { SQLInputValue, SQLOutputValue } from "node:sqlite";
import { assert } from "../../../model/assert.ts";
import { MillraceError } from "../../../model/errors.ts";
import { STORE_LIMITS } from "../../../store/limits.ts";
import type { DocumentVersion } from "../../../store/batch-plan.ts";
import { formatCursor, parseSearch } from "../../../store/document-search.ts";
import type {
  DocumentSearch,
  FieldComparison,
  RangeOperator,
} from "../../../store/document-search.ts";
import type { CollectionSpec, DocumentQuery } from "../../../store/store.ts";
import type { DocumentWrite, IndexValue } from "../../../store/write-set.ts";
import { integerOf, textOf } from "../database.ts";
import type { Database, Row } from "../database.ts";

/** Documents on their way between the threads: flat lists clone fast. */
export interface PackedDocuments {
  readonly ids: readonly string[];
  readonly versions: readonly number[];
  readonly jsons: readonly string[];
  readonly next?: string;
}

interface Collection {
  readonly id: number;
  readonly name: string;
  readonly table: string;
  /** Columns by field. */
  readonly fields: ReadonlyMap<string, string>;
  readonly columnsMade: number;
  readonly upsertSql: string;
  readonly updateSql: string;
  readonly deleteSql: string;
  readonly versionSql: string;
}

const FALSE = new Uint8Array([0]);
const TRUE = new Uint8Array([1]);
const RANGE_SQL: Readonly<Record<RangeOperator, string>> = {
  gte: ">=",
  gt: ">",
  lte: "<=",
  lt: "<",
};

export class DocumentTable {
  readonly #database: Database;
  readonly #known = new Map<string, Collection>();

  constructor(database: Database) {
    this.#database = database;
  }

  forget(): void {
    this.#known.clear();
  }

  ensure(spec: CollectionSpec): void {
    if (spec.index.includes("id") || spec.index.length > STORE_LIMITS.indexesMax) {
      throw new MillraceError(
        "BAD_ARGUMENT",
        `${spec.name} may have ${STORE_LIMITS.indexesMax} indexes at most, and none named "id": ` +
          `every document is found by its id already`,
      );
    }
    const collection = this.#find(spec.name) ?? this.#create(spec.name);
    const wanted = new Set(spec.index);
    const added = [...wanted].filter((field) => !collection.fields.has(field));
    const removed = [...collection.fields.keys()].filter((field) => !wanted.has(field));
    if (added.length === 0 && removed.length === 0) return;
    const fields = new Map(collection.fields);
    for (const field of removed) this.#dropIndex(collection, fields, field);
    let { columnsMade } = collection;
    for (const field of added) {
      const column = `c${++columnsMade}`;
      this.#addIndex(collection.table, column, field);
      fields.set(field, column);
    }
    this.#database.run(
      "UPDATE collections SET fields = ?, columns_made = ? WHERE id = ?",
      JSON.stringify(Object.fromEntries(fields)),
      columnsMade,
      collection.id,
    );
    this.#known.delete(spec.name);
  }

  drop(name: string): void {
    const collection = this.#find(name);
    if (collection === undefined) return;
    this.#database.define(`DROP TABLE ${collection.table}`);
    this.#database.run("DELETE FROM collections WHERE id = ?", collection.id);
    this.#known.delete(name);
  }

  count(name: string): number {
    const { id } = this.#collection(name);
    return integerOf(
      this.#database.row("SELECT live_count FROM collections WHERE id = ?", id),
      "live_count",
    );
  }

  version(name: string, id: string): DocumentVersion {
    const row = this.#database.row(this.#collection(name).versionSql, id);
    if (row === undefined) return { version: 0, live: false };
    return { version: integerOf(row, "version"), live: row["live"] === 1 };
  }

  /** The documents' versions must have been checked. */
  write(writes: readonly DocumentWrite[]): void {
    const liveChanges = new Map<Collection, number>();
    for (const write of writes) {
      const collection = this.#collection(write.collection);
      const change = this.#writeOne(collection, write);
      if (change !== 0) liveChanges.set(collection, (liveChanges.get(collection) ?? 0) + change);
    }
    for (const [{ id }, change] of liveChanges) {
      this.#database.run(
        "UPDATE collections SET live_count = live_count + ? WHERE id = ?",
        change,
        id,
      );
    }
  }

  get(name: string, ids: readonly string[]): PackedDocuments {
    const { table } = this.#collection(name);
    const sql = `SELECT id, version, json FROM ${table} WHERE id = ? AND json IS NOT NULL`;
    return pack(ids.map((id) => this.#database.row(sql, id)).filter((row) => row !== undefined));
  }

  find(name: string, query: DocumentQuery): PackedDocuments {
    const collection = this.#collection(name);
    const spec = { name, index: [...collection.fields.keys()] };
    const search = parseSearch(spec, query);
    const { sql, values } = searchSql(collection, search);
    const rows = this.#database.rows(sql, ...values);
    const page = pack(rows.slice(0, search.limit));
    const last = rows[search.limit - 1];
    if (rows.length <= search.limit || last === undefined) return page;
    const place = { value: fromColumn(last["place"]), id: textOf(last, "id") };
    return { ...page, next: formatCursor(query.order, place) };
  }

  /** Returns by how much the number of documents changed. */
  #writeOne(collection: Collection, write: DocumentWrite): number {
    const { id, expected, json, indexed = {} } = write;
    if (json === null) {
      if (expected === 0) return 0;
      this.#database.run(collection.deleteSql, id);
      return -1;
    }
    const columns = [...collection.fields.keys()].map((field) => toColumn(indexed[field]));
    if (expected === 0) {
      this.#database.run(collection.upsertSql, json, ...columns, id);
      return 1;
    }
    this.#database.run(collection.updateSql, json, ...columns, id);
    return 0;
  }

  #create(name: string): Collection {
    const { lastRow } = this.#database.run(
      "INSERT INTO collections (name, fields, columns_made, live_count) VALUES (?, '{}', 0, 0)",
      name,
    );
    this.#database.define(
      `CREATE TABLE collection_${lastRow} (id TEXT PRIMARY KEY NOT NULL, version INTEGER NOT NULL, json TEXT)`,
    );
    return this.#collection(name);
  }

  #addIndex(table: string, column: string, field: string): void {
    this.#database.define(`ALTER TABLE ${table} ADD COLUMN ${column}`);
    this.#database.run(
      `UPDATE ${table} SET ${column} = coalesce((
         SELECT CASE type WHEN 'true' THEN x'01' WHEN 'false' THEN x'00' WHEN 'text' THEN value
                          WHEN 'integer' THEN CAST(value AS REAL) WHEN 'real' THEN value END
         FROM json_each(${table}.json) WHERE key = ?
       ), -9e999)
       WHERE json IS NOT NULL`,
      field,
    );
    this.#database.define(
      `CREATE INDEX ${table}_${column} ON ${table} (${column}, id) WHERE json IS NOT NULL`,
    );
  }

  #dropIndex({ table }: Collection, fields: Map<string, string>, field: string): void {
    const column = fields.get(field);
    assert(column !== undefined, `the indexed field ${field} has a column`);
    this.#database.define(`DROP INDEX ${table}_${column}`);
    this.#database.define(`ALTER TABLE ${table} DROP COLUMN ${column}`);
    fields.delete(field);
  }

  /** Throws BAD_ARGUMENT for a collection that was never ensured. */
  #collection(name: string): Collection {
    const collection = this.#find(name);
    if (collection !== undefined) return collection;
    throw new MillraceError(
      "BAD_ARGUMENT",
      `the store has no collection ${name}; call ensureCollections with it first`,
    );
  }

  #find(name: string): Collection | undefined {
    const known = this.#known.get(name);
    if (known !== undefined) return known;
    const row = this.#database.row("SELECT * FROM collections WHERE name = ?", name);
    if (row === undefined) return undefined;
    const collection = collectionOf(row);
    this.#known.set(name, collection);
    return collection;
  }
}

function collectionOf(row: Row): Collection {
  const id = integerOf(row, "id");
  const table = `collection_${id}`;
  const stored: Record<string, string> = JSON.parse(textOf(row, "fields"));
  const fields = new Map(Object.entries(stored));
  const columns = ["json", ...fields.values()];
  const changed = (value: (column: string) => string): string =>
    columns.map((column) => `${column} = ${value(column)}`).join(", ");
  const marks = columns.map((_, index) => `?${index + 1}`).join(", ");
  return {
    id,
    name: textOf(row, "name"),
    table,
    fields,
    columnsMade: integerOf(row, "columns_made"),
    upsertSql:
      `INSERT INTO ${table} (${columns.join(", ")}, id, version) ` +
      `VALUES (${marks}, ?${columns.length + 1}, 1) ON CONFLICT (id) DO UPDATE SET ` +
      `version = version + 1, ${changed((column) => `excluded.${column}`)}`,
    updateSql: `UPDATE ${table} SET version = version + 1, ${changed(() => "?")} WHERE id = ?`,
    deleteSql: `UPDATE ${table} SET version = version + 1, ${changed(() => "NULL")} WHERE id = ?`,
    versionSql: `SELECT version, json IS NOT NULL AS live FROM ${table} WHERE id = ?`,
  };
}

function searchSql(
  { table, fields }: Collection,
  search: DocumentSearch,
): { sql: string; values: SQLInputValue[] } {
  const columnOf = (field: string): string => (field === "id" ? "id" : fields.get(field)!);
  const conditions = ["json IS NOT NULL"];
  const values: SQLInputValue[] = [];
  for (const [field, comparison] of search.where) {
    const condition = comparisonSql(columnOf(field), comparison);
    conditions.push(condition.sql);
    values.push(...condition.values);
  }
  const order = columnOf(search.order);
  const direction = search.descending ? "DESC" : "ASC";
  if (search.after !== undefined) {
    conditions.push(`(${order}, id) ${search.descending ? "<" : ">"} (?, ?)`);
    values.push(toColumn(search.after.value), search.after.id);
  }
  const sql =
    `SELECT id, version, json, ${order} AS place FROM ${table} WHERE ${conditions.join(" AND ")} ` +
    `ORDER BY ${order} ${direction}, id ${direction} LIMIT ?`;
  return { sql, values: [...values, search.limit + 1] };
}

function comparisonSql(
  column: string,
  comparison: FieldComparison,
): { sql: string; values: SQLInputValue[] } {
  if (comparison.kind === "in") {
    const wanted = comparison.values.filter(
      (value) => column !== "id" || typeof value === "string",
    );
    return {
      sql: `${column} IN (${wanted.map(() => "?").join(", ")})`,
      values: wanted.map(toColumn),
    };
  }
  const parts = comparison.bounds.map(([operator, bound]) => {
    if (typeof bound === "number" && column === "id") return "0 AND ? IS NOT NULL";
    // A range stays within its bound's type: numbers above null's place, texts below the first bytes.
    const within =
      typeof bound === "number" ? `> -9e999 AND ${column} < ''` : `>= '' AND ${column} < x''`;
    return `${column} ${RANGE_SQL[operator]} ? AND ${column} ${within}`;
  });
  return { sql: parts.join(" AND "), values: comparison.bounds.map(([, bound]) => bound) };
}

function toColumn(value: IndexValue | undefined): SQLInputValue {
  if (value === undefined || value === null) return -Infinity;
  if (typeof value === "boolean") return value ? TRUE : FALSE;
  return value;
}

function fromColumn(value: SQLOutputValue | undefined): IndexValue {
  if (value instanceof Uint8Array) return value[0] === 1;
  assert(typeof value === "string" || typeof value === "number", "an index column holds a value");
  return value === -Infinity ? null : value;
}

function pack(rows: readonly Row[]): PackedDocuments {
  return {
    ids: rows.map((row) => textOf(row, "id")),
    versions: rows.map((row) => integerOf(row, "version")),
    jsons: rows.map((row) => textOf(row, "json")),
  };
}

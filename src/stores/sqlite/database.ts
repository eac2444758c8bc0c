/**
 * One SQLite file, as the worker has it open: settings, lock, version, cached statements, and the
 * translation of SQLite's errors.
 *
 * Settings, and why. `locking_mode=EXCLUSIVE` takes the file's lock at the first access and keeps it:
 * a second process is refused, and the kernel frees the lock however the first one ends.
 * `journal_mode=WAL` with `synchronous=FULL` syncs the log once a commit, before the commit returns.
 * Pages of 8 KiB: a commit of a thousand scattered rows writes fewer of them (measured 10 to 30 %
 * faster than 4 KiB, smaller ones slower). The log is copied into the file every 32 MiB,
 * or every MiB from when the disk was nearly full to the next opening.
 */

import { closeSync, fsyncSync, mkdirSync, openSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import type { SQLInputValue, SQLOutputValue, StatementSync } from "node:sqlite";
import { assert } from "../../model/assert.ts";
import { MillraceError, isMillraceError } from "../../model/errors.ts";
import { LogRemoved, LogSpace } from "./log-space.ts";
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from "./schema.ts";

export interface DatabaseOptions {
  readonly path: string;
  readonly service: string;
  /** False leaves syncing to the operating system. */
  readonly durable: boolean;
  /** The file grows to no more than this; beyond it writes fail with DISK_FULL. */
  readonly bytesMax: number | undefined;
  /** The epoch of a file that is made now; one that is there keeps its own. */
  readonly newEpoch: number;
}

export type Row = Readonly<Record<string, SQLOutputValue>>;

const PAGE_BYTES = 8192;
const CHECKPOINT_BYTES = 32 * 1024 * 1024;
/** On a disk that is nearly full. */
const CHECKPOINT_SCARCE_BYTES = 1024 * 1024;
const CACHE_BYTES = 64 * 1024 * 1024;
const STATEMENTS_MAX = 300;
/** 2 MiB: what others may have to wait for while a backup runs. */
const BACKUP_PAGES = 256;

/** SQLite's primary result codes (https://sqlite.org/rescode.html). */
const BUSY = 5;
const LOCKED = 6;
const IO_ERROR = 10;
const CORRUPT = 11;
const FULL = 13;
const CANNOT_OPEN = 14;
const NOT_A_DATABASE = 26;

export class Database {
  readonly #options: DatabaseOptions;
  readonly #connection: DatabaseSync;
  /** The statement used last is the last one. */
  readonly #statements = new Map<string, StatementSync>();
  /** Undefined where commits do not wait for the disk. */
  readonly #logSpace: LogSpace | undefined;
  #short = false;

  /** Throws DIRECTORY_IN_USE, DIRECTORY_VERSION, STORE_FAILED. */
  constructor(options: DatabaseOptions) {
    this.#options = options;
    try {
      makeDirectory(dirname(options.path));
      this.#connection = new DatabaseSync(options.path, { timeout: 0 });
    } catch (error) {
      throw this.translate(error);
    }
    try {
      this.#configure();
      this.#migrate();
      if (options.durable) {
        this.#logSpace = new LogSpace(`${options.path}-wal`, { bytesMax: CHECKPOINT_BYTES });
      }
    } catch (error) {
      this.#connection.close();
      throw this.translate(error);
    }
  }

  run(sql: string, ...values: SQLInputValue[]): { changes: number; lastRow: number } {
    const { changes, lastInsertRowid } = this.#statement(sql).run(...values);
    return { changes: Number(changes), lastRow: Number(lastInsertRowid) };
  }

  row(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values);
  }

  rows(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values);
  }

  iterate(sql: string, ...values: SQLInputValue[]): IterableIterator<Row> {
    return this.#statement(sql).iterate(...values);
  }

  /** Runs statements that change the schema or a setting. */
  define(sql: string): void {
    this.#connection.exec(sql);
  }

  begin(): void {
    this.#logSpace?.keepAhead();
    if (this.#logSpace?.scarce === true) this.#shorten();
    this.#connection.exec("BEGIN IMMEDIATE");
  }

  /** Returns when the transaction is on the disk. */
  commit(): void {
    this.#connection.exec("COMMIT");
  }

  /** Some errors have ended the transaction already. */
  rollback(): void {
    if (this.#connection.isTransaction) this.#connection.exec("ROLLBACK");
  }

  /**
   * Gives the disk back what the write-ahead log holds beyond the file, as far as the disk still
   * allows. Never inside a transaction.
   */
  giveBackLog(): void {
    this.#connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    this.#logSpace?.begunAnew();
  }

  /** What the file takes, with what is still in the write-ahead log. */
  bytes(): number {
    const pages = integerOf(this.row("PRAGMA page_count"), "page_count");
    return pages * integerOf(this.row("PRAGMA page_size"), "page_size");
  }

  /**
   * Copies the file to a new one, in pieces beside which others work. Calls `freeze` before the last
   * piece: nothing may be written from then on until it resolves.
   */
  async backup(file: string, freeze: () => void): Promise<void> {
    if (integerOf(this.row("PRAGMA page_count"), "page_count") <= BACKUP_PAGES) freeze();
    await backup(this.#connection, file, {
      rate: BACKUP_PAGES,
      progress: ({ remainingPages }) => {
        if (remainingPages <= BACKUP_PAGES) freeze();
      },
    });
  }

  close(): void {
    this.#statements.clear();
    this.#logSpace?.close();
    this.#connection.close();
  }

  /** A `MillraceError` for what SQLite reports; anything else as it is. */
  translate(error: unknown): unknown {
    if (isMillraceError(error) || !(error instanceof Error)) return error;
    const { path, service } = this.#options;
    const details = { path, service };
    if (error instanceof LogRemoved) {
      return new MillraceError(
        "STORE_FAILED",
        `${path} was removed while it was open; stop the process, bring the files of the store back ` +
          `from a backup, and start again. Nothing is written to what is left of them`,
        { cause: error, details, retryable: false },
      );
    }
    const code = resultCode(error);
    if (code === BUSY || code === LOCKED) {
      return new MillraceError(
        "DIRECTORY_IN_USE",
        `the store of ${service}, ${path}, is open in another process; stop that one, or give this ` +
          `one a file of its own`,
        { cause: error, details },
      );
    }
    if (code === FULL || systemCode(error) === "ENOSPC") {
      return new MillraceError(
        "DISK_FULL",
        `no room is left for ${path}; free some, or raise bytesMax. Nothing of this commit was kept`,
        { cause: error, details },
      );
    }
    if (code === CORRUPT || code === NOT_A_DATABASE) {
      return new MillraceError(
        "STORE_FAILED",
        `${path} is damaged (${error.message}); move it away and restore a backup, or let the views ` +
          `build anew from their streams`,
        { cause: error, details, retryable: false },
      );
    }
    if (code === IO_ERROR || code === CANNOT_OPEN || systemCode(error) !== undefined) {
      return new MillraceError(
        "STORE_FAILED",
        `${path} cannot be read or written (${error.message}); see to the disk, its rights and ` +
          `the limit of open files (ulimit -n), then start the process again`,
        { cause: error, details, retryable: false },
      );
    }
    if (code === undefined) return error;
    return new MillraceError("STORE_FAILED", `${path}: SQLite reports ${error.message}`, {
      cause: error,
      details,
    });
  }

  /** Once the disk is full the file cannot grow to take in a long log, so it must not become long. */
  #shorten(): void {
    if (this.#short) return;
    this.#short = true;
    this.define(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_SCARCE_BYTES / PAGE_BYTES}`);
  }

  #configure(): void {
    const { durable, bytesMax } = this.#options;
    this.define(`PRAGMA locking_mode = EXCLUSIVE; PRAGMA page_size = ${PAGE_BYTES}`);
    this.define("PRAGMA journal_mode = WAL");
    this.define(`
      PRAGMA synchronous = ${durable ? "FULL" : "OFF"};
      PRAGMA wal_autocheckpoint = ${CHECKPOINT_BYTES / PAGE_BYTES};
      PRAGMA journal_size_limit = ${2 * CHECKPOINT_BYTES};
      PRAGMA cache_size = -${CACHE_BYTES / 1024};
      PRAGMA temp_store = MEMORY;
    `);
    if (bytesMax !== undefined) {
      this.define(`PRAGMA max_page_count = ${Math.max(1, Math.floor(bytesMax / PAGE_BYTES))}`);
    }
    // The lock is taken by the first write, not by the settings.
    this.define("BEGIN IMMEDIATE; COMMIT");
  }

  #migrate(): void {
    const { path } = this.#options;
    const application = this.#pragma("application_id");
    const version = this.#pragma("user_version");
    const tables = integerOf(this.row("SELECT count(*) AS n FROM sqlite_schema"), "n");
    if (application !== APPLICATION_ID && tables > 0) {
      throw new MillraceError(
        "STORE_FAILED",
        `${path} is an SQLite database, but no Millrace store; name another file`,
        { details: { path }, retryable: false },
      );
    }
    if (version > SCHEMA_VERSION) {
      throw new MillraceError(
        "DIRECTORY_VERSION",
        `${path} has format ${version}, and this Millrace reads up to ${SCHEMA_VERSION}; ` +
          `start the newer Millrace that wrote it`,
        { details: { path, version, readable: SCHEMA_VERSION } },
      );
    }
    for (const [index, migration] of MIGRATIONS.entries()) {
      if (index < version) continue;
      this.define(`
        BEGIN IMMEDIATE;
        ${migration};
        PRAGMA application_id = ${APPLICATION_ID};
        PRAGMA user_version = ${index + 1};
        COMMIT;
      `);
    }
    if (version === 0) this.run("UPDATE store SET epoch = ?", this.#options.newEpoch);
  }

  #pragma(name: "application_id" | "user_version"): number {
    return integerOf(this.row(`PRAGMA ${name}`), name);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement !== undefined) return statement;
    statement = this.#connection.prepare(sql);
    this.#statements.set(sql, statement);
    if (this.#statements.size > STATEMENTS_MAX) {
      const [oldest] = this.#statements.keys();
      this.#statements.delete(oldest!);
    }
    return statement;
  }
}

/** Whether nothing more may be asked of the file after this error: what it holds is in doubt. */
export function isFatal(error: unknown): boolean {
  if (error instanceof LogRemoved) return true;
  const code = error instanceof Error ? resultCode(error) : undefined;
  return code === IO_ERROR || code === CORRUPT || code === NOT_A_DATABASE;
}

/** Whether the disk, or the bound of the file, has no room left. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && resultCode(error) === FULL;
}

export function integerOf(row: Row | undefined, column: string): number {
  const value = row?.[column];
  assert(Number.isSafeInteger(value), `column ${column} is a whole number`);
  return Number(value);
}

/** For columns that also hold fractions. */
export function numberOf(row: Row | undefined, column: string): number {
  const value = row?.[column];
  assert(typeof value === "number", `column ${column} is a number`);
  return value;
}

export function textOf(row: Row | undefined, column: string): string {
  const value = row?.[column];
  assert(typeof value === "string", `column ${column} is a text`);
  return value;
}

export function bytesOf(row: Row | undefined, column: string): Uint8Array {
  const value = row?.[column];
  assert(value instanceof Uint8Array, `column ${column} holds bytes`);
  return value;
}

function resultCode(error: Error): number | undefined {
  return "errcode" in error && typeof error.errcode === "number" ? error.errcode & 0xff : undefined;
}

function systemCode(error: Error): string | undefined {
  if (!("errno" in error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}

/** As of the broker's: documents and parked messages are no business of other users. */
const DIRECTORY_MODE = 0o750;

/** SQLite syncs the directory of its file, but nobody syncs the names of directories made for it. */
function makeDirectory(directory: string): void {
  const first = mkdirSync(directory, { recursive: true, mode: DIRECTORY_MODE });
  if (first === undefined) return;
  const last = dirname(resolve(first));
  for (let parent = dirname(resolve(directory)); ; parent = dirname(parent)) {
    const handle = openSync(parent, "r");
    fsyncSync(handle);
    closeSync(handle);
    if (parent === last || parent === dirname(parent)) return;
  }
}

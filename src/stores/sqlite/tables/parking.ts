/** Parked messages, in the order in which they were parked. */

import { assert } from "../../../model/assert.ts";
import type { ParkedMessage } from "../../../store/store.ts";
import type { BatchInput, Incoming, ParkCause, ReparkedRow } from "../../../store/write-set.ts";
import { bytesOf, integerOf, numberOf, textOf } from "../database.ts";
import type { Database, Row } from "../database.ts";
import type { EncodedParked } from "../wire/batches.ts";
import { ByteReader } from "../wire/bytes.ts";
import { readMessage } from "../wire/messages.ts";

export interface ParkedFilter {
  readonly consumer?: string;
  readonly input?: string;
  readonly key?: string;
  readonly after?: number;
  readonly limit?: number;
  readonly redrive?: boolean;
}

/** A parked row on its way between the threads: its message is still encoded. */
export interface PackedParked extends Omit<ParkedMessage, "message"> {
  readonly message: Uint8Array;
}

const SAME_KEY = "consumer = ? AND input = ? AND key = ?";

/** Failures that are to be retried at some moment: each the first row of its key, and not marked. */
const FAILURES = `
  SELECT consumer, input, key, retry_at_ms FROM parked
  WHERE consumer = ? AND input = ? AND retry_at_ms IS NOT NULL AND redrive = 0
    AND NOT EXISTS (
      SELECT 1 FROM parked AS earlier
      WHERE earlier.consumer = parked.consumer AND earlier.input = parked.input
        AND earlier.key = parked.key AND earlier.row < parked.row
    )`;

export class ParkingTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  has(row: number): boolean {
    return this.#database.row("SELECT 1 FROM parked WHERE row = ?", row) !== undefined;
  }

  park({ consumer, input }: BatchInput, write: EncodedParked, nowMs: number): void {
    // Behind rows that are worked off, or behind none any more: nobody else would set it going.
    const goesOn =
      write.cause === undefined &&
      this.#database.row(
        `SELECT 1 FROM parked WHERE ${SAME_KEY} AND redrive = 0 LIMIT 1`,
        consumer,
        input,
        write.key,
      ) === undefined;
    this.#database.run(
      "INSERT INTO parked (consumer, input, key, incoming, message, parked_ms, cause, retry_at_ms, " +
        "redrive) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
      consumer,
      input,
      write.key,
      JSON.stringify(write.incoming),
      write.message,
      Math.floor(nowMs),
      write.cause === undefined ? null : JSON.stringify(write.cause),
      write.cause?.retryAtMs ?? null,
      goesOn ? 1 : 0,
    );
  }

  unpark(row: number): void {
    this.#database.run("DELETE FROM parked WHERE row = ?", row);
  }

  repark({ row, cause }: ReparkedRow): void {
    this.#database.run(
      "UPDATE parked SET cause = ?, retry_at_ms = ? WHERE row = ?",
      JSON.stringify(cause),
      cause.retryAtMs ?? null,
      row,
    );
    this.#mark(this.#find(row), false);
  }

  keys(consumer: string, input: string): [key: string, rows: number][] {
    return this.#database
      .rows(
        "SELECT key, count(*) AS n FROM parked WHERE consumer = ? AND input = ? GROUP BY key",
        consumer,
        input,
      )
      .map((row) => [textOf(row, "key"), integerOf(row, "n")]);
  }

  list(filter: ParkedFilter): PackedParked[] {
    const { consumer, input, key, redrive, after = 0, limit = 100 } = filter;
    const conditions: readonly (readonly [sql: string, value: string | number | undefined])[] = [
      ["row > ?", after],
      ["consumer = ?", consumer],
      ["input = ?", input],
      ["key = ?", key],
      ["redrive = ?", redrive === undefined ? undefined : Number(redrive)],
    ];
    const given = conditions.flatMap(([sql, value]) =>
      value === undefined ? [] : [{ sql, value }],
    );
    return this.#database
      .rows(
        `SELECT * FROM parked WHERE ${given.map(({ sql }) => sql).join(" AND ")} ORDER BY row LIMIT ?`,
        ...given.map(({ value }) => value),
        limit,
      )
      .map(packRow);
  }

  redrive(rows: readonly number[] | "all"): number {
    if (rows === "all") {
      return this.#database.run("UPDATE parked SET redrive = 1 WHERE redrive = 0").changes;
    }
    return rows.reduce((marked, row) => marked + this.#mark(this.#find(row), true), 0);
  }

  redriveDue(consumer: string, input: string, nowMs: number): { count: number; nextMs?: number } {
    const due = this.#database.rows(`${FAILURES} AND retry_at_ms <= ?`, consumer, input, nowMs);
    const count = due.reduce((marked, failure) => marked + this.#mark(failure, true), 0);
    const next = this.#database.row(
      `${FAILURES} AND retry_at_ms > ? ORDER BY retry_at_ms LIMIT 1`,
      consumer,
      input,
      nowMs,
    );
    return next === undefined ? { count } : { count, nextMs: numberOf(next, "retry_at_ms") };
  }

  forgetConsumer(consumer: string): void {
    this.#database.run("DELETE FROM parked WHERE consumer = ?", consumer);
  }

  discard(rows: readonly number[]): number {
    const found = rows.map((row) => this.#find(row)).filter((row) => row !== undefined);
    const heads = found.filter((parked) => parked["cause"] !== null);
    let removed = 0;
    for (const row of rows) {
      removed += this.#database.run("DELETE FROM parked WHERE row = ?", row).changes;
    }
    for (const head of heads) {
      const before = this.#database.row(
        `SELECT 1 FROM parked WHERE ${SAME_KEY} AND row < ? LIMIT 1`,
        ...keyOf(head),
        integerOf(head, "row"),
      );
      if (before === undefined) this.#mark(head, true);
    }
    return removed;
  }

  #find(row: number): Row | undefined {
    return this.#database.row(
      "SELECT row, consumer, input, key, cause FROM parked WHERE row = ?",
      row,
    );
  }

  /** Sets the mark on all rows of this one's key; returns the rows changed. */
  #mark(row: Row | undefined, redrive: boolean): number {
    if (row === undefined) return 0;
    const mark = Number(redrive);
    return this.#database.run(
      `UPDATE parked SET redrive = ? WHERE ${SAME_KEY} AND redrive <> ?`,
      mark,
      ...keyOf(row),
      mark,
    ).changes;
  }
}

export function unpackParked(rows: readonly PackedParked[]): ParkedMessage[] {
  return rows.map((row) => ({ ...row, message: readMessage(new ByteReader(row.message)) }));
}

function packRow(row: Row): PackedParked {
  const incoming: Incoming = JSON.parse(textOf(row, "incoming"));
  const cause: ParkCause | undefined =
    row["cause"] === null ? undefined : JSON.parse(textOf(row, "cause"));
  const redrive = integerOf(row, "redrive");
  assert(redrive === 0 || redrive === 1, "a parked row is marked or not");
  return {
    row: integerOf(row, "row"),
    consumer: textOf(row, "consumer"),
    input: textOf(row, "input"),
    key: textOf(row, "key"),
    incoming,
    message: bytesOf(row, "message"),
    parkedMs: integerOf(row, "parked_ms"),
    ...(cause === undefined ? {} : { cause }),
    redrive: redrive === 1,
  };
}

function keyOf(row: Row): [consumer: string, input: string, key: string] {
  return [textOf(row, "consumer"), textOf(row, "input"), textOf(row, "key")];
}

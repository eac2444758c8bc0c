/** Timers, by instance and name, and by their moment; those of one moment in the order of setting. */

import type { StoredTimer } from "../../../store/store.ts";
import type { TimerRef } from "../../../store/write-set.ts";
import { bytesOf, numberOf, textOf } from "../database.ts";
import type { Database, Row } from "../database.ts";
import { ByteReader } from "../wire/bytes.ts";
import { readMessage } from "../wire/messages.ts";
import type { EncodedTimer } from "../wire/timers.ts";

export interface DueFilter {
  readonly dueMs: number;
  readonly limit?: number;
}

export interface TimerFilter {
  readonly instance?: string;
  readonly limit?: number;
  readonly after?: TimerRef;
}

/** A timer on its way between the threads: its message is still encoded. */
export interface PackedTimer extends Omit<StoredTimer, "message"> {
  readonly message: Uint8Array;
}

const THIS_TIMER = "consumer = ? AND instance = ? AND name = ?";

export class TimerTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  idOf({ consumer, instance, name }: TimerRef): string | undefined {
    const row = this.#database.row(
      `SELECT id FROM timers WHERE ${THIS_TIMER}`,
      consumer,
      instance,
      name,
    );
    return row === undefined ? undefined : textOf(row, "id");
  }

  write(timer: EncodedTimer): void {
    const { consumer, instance, name } = timer;
    if (name === undefined) {
      this.#database.run(
        "DELETE FROM timers WHERE consumer = ? AND instance = ?",
        consumer,
        instance,
      );
    } else if ("id" in timer) {
      // The row that is replaced goes, so this one is the latest of its moment.
      this.#database.run(
        "INSERT OR REPLACE INTO timers (consumer, instance, name, id, due_ms, message) " +
          "VALUES (?, ?, ?, ?, ?, ?)",
        consumer,
        instance,
        name,
        timer.id,
        timer.dueMs,
        timer.message,
      );
    } else {
      this.#database.run(`DELETE FROM timers WHERE ${THIS_TIMER}`, consumer, instance, name);
    }
  }

  /** Removes the timer; one that has its name under another id stays. */
  settle({ consumer, instance, name }: TimerRef, id: string): void {
    this.#database.run(
      `DELETE FROM timers WHERE ${THIS_TIMER} AND id = ?`,
      consumer,
      instance,
      name,
      id,
    );
  }

  due(consumer: string, { dueMs, limit = 100 }: DueFilter): PackedTimer[] {
    return this.#database
      .rows(
        "SELECT * FROM timers WHERE consumer = ? AND due_ms <= ? ORDER BY due_ms, row LIMIT ?",
        consumer,
        dueMs,
        limit,
      )
      .map(packRow);
  }

  nextMs(consumer: string): number | undefined {
    const row = this.#database.row(
      "SELECT due_ms FROM timers WHERE consumer = ? ORDER BY due_ms LIMIT 1",
      consumer,
    );
    return row === undefined ? undefined : numberOf(row, "due_ms");
  }

  list(consumer: string, { instance, limit = 100, after }: TimerFilter): PackedTimer[] {
    const ofInstance = instance === undefined ? [] : [instance];
    const behind = after === undefined ? [] : [after.instance, after.name];
    return this.#database
      .rows(
        `SELECT * FROM timers WHERE consumer = ?
           ${ofInstance.length === 0 ? "" : "AND instance = ?"}
           ${behind.length === 0 ? "" : "AND (instance, name) > (?, ?)"}
         ORDER BY instance, name LIMIT ?`,
        consumer,
        ...ofInstance,
        ...behind,
        limit,
      )
      .map(packRow);
  }

  forgetConsumer(consumer: string): void {
    this.#database.run("DELETE FROM timers WHERE consumer = ?", consumer);
  }
}

export function unpackTimers(timers: readonly PackedTimer[]): StoredTimer[] {
  return timers.map((timer) => ({ ...timer, message: readMessage(new ByteReader(timer.message)) }));
}

function packRow(row: Row): PackedTimer {
  return {
    consumer: textOf(row, "consumer"),
    instance: textOf(row, "instance"),
    name: textOf(row, "name"),
    id: textOf(row, "id"),
    dueMs: numberOf(row, "due_ms"),
    message: bytesOf(row, "message"),
  };
}

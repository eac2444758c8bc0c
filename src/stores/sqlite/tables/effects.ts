/** The effect journal: what the outside world answered. */

import type { StoredEffect } from "../../../store/store.ts";
import type { EffectWrite } from "../../../store/write-set.ts";
import { numberOf, textOf } from "../database.ts";
import type { Database } from "../database.ts";

export class EffectTable {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** The first answer under a name stays. */
  record({ consumer, message, name, json, atMs }: EffectWrite): void {
    this.#database.run(
      "INSERT INTO effects (consumer, message, name, json, at_ms) VALUES (?, ?, ?, ?, ?) " +
        "ON CONFLICT (consumer, message, name) DO NOTHING",
      consumer,
      message,
      name,
      json,
      atMs,
    );
  }

  /** Of all these messages, those of one message in the order in which they were recorded. */
  read(consumer: string, messages: readonly string[]): StoredEffect[] {
    return messages.flatMap((message) =>
      this.#database
        .rows(
          "SELECT name, json, at_ms FROM effects WHERE consumer = ? AND message = ? ORDER BY row",
          consumer,
          message,
        )
        .map((row) => ({
          message,
          name: textOf(row, "name"),
          json: textOf(row, "json"),
          atMs: numberOf(row, "at_ms"),
        })),
    );
  }

  trim(beforeMs: number, limit: number): number {
    return this.#database.run(
      "DELETE FROM effects WHERE row IN " +
        "(SELECT row FROM effects WHERE at_ms < ? ORDER BY at_ms, row LIMIT ?)",
      beforeMs,
      limit,
    ).changes;
  }

  forgetConsumer(consumer: string): void {
    this.#database.run("DELETE FROM effects WHERE consumer = ?", consumer);
  }
}

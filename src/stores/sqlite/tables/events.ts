/** Events: one row each, in commit order, and found by entity. */

import { STORE_LIMITS } from "../../../store/limits.ts";
import type { StoredEvent } from "../../../store/store.ts";
import { bytesOf, integerOf, textOf } from "../database.ts";
import type { Database, Row } from "../database.ts";
import { ByteReader, ByteWriter } from "../wire/bytes.ts";
import type { EncodedEvents } from "../wire/batches.ts";
import { readMessage } from "../wire/messages.ts";

export class EventTable {
  readonly #database: Database;
  /** Undefined until asked, and after a rollback. */
  #lastSequence: number | undefined;

  constructor(database: Database) {
    this.#database = database;
  }

  forget(): void {
    this.#lastSequence = undefined;
  }

  countOf(entity: string): number {
    const row = this.#database.row(
      "SELECT coalesce(max(version), 0) AS n FROM events WHERE entity = ?",
      entity,
    );
    return integerOf(row, "n");
  }

  append({ entity, expected, events }: EncodedEvents): void {
    this.#lastSequence ??= integerOf(
      this.#database.row("SELECT coalesce(max(sequence), 0) AS n FROM events"),
      "n",
    );
    let version = expected;
    for (const message of events) {
      this.#database.run(
        "INSERT INTO events (sequence, entity, version, message) VALUES (?, ?, ?, ?)",
        ++this.#lastSequence,
        entity,
        ++version,
        message,
      );
    }
  }

  readEntity(entity: string, after: number, limit: number): Uint8Array<ArrayBuffer> {
    return packRows(
      this.#database.iterate(
        "SELECT sequence, entity, version, message FROM events " +
          "WHERE entity = ? AND version > ? ORDER BY version LIMIT ?",
        entity,
        after,
        limit,
      ),
    );
  }

  readAll(after: number, limit: number): Uint8Array<ArrayBuffer> {
    return packRows(
      this.#database.iterate(
        "SELECT sequence, entity, version, message FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?",
        after,
        limit,
      ),
    );
  }
}

/** Events as one piece of memory: to hand it to the other thread costs nothing. */
function packRows(rows: Iterable<Row>): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(Number.MAX_SAFE_INTEGER, 64 * 1024);
  for (const row of rows) {
    writer.number(integerOf(row, "sequence"));
    writer.text(textOf(row, "entity"));
    writer.number(integerOf(row, "version"));
    writer.bytes(bytesOf(row, "message"));
    if (writer.length > STORE_LIMITS.batchBytesMax) break;
  }
  return writer.finish();
}

export function unpackEvents(bytes: Uint8Array): StoredEvent[] {
  const reader = new ByteReader(bytes);
  const events: StoredEvent[] = [];
  while (!reader.atEnd) {
    const sequence = reader.number();
    const entity = reader.text();
    const version = reader.number();
    reader.number();
    events.push({ sequence, entity, version, message: readMessage(reader) });
  }
  return events;
}

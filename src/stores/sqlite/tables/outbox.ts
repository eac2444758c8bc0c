/**
 * The outbox: one row per commit and lane, holding its messages one after another. A row from which
 * some messages were published stays whole; the lane remembers below which sequence all are gone.
 */

import { MillraceError } from "../../../model/errors.ts";
import type { OutboxRow, PendingLane } from "../../../store/store.ts";
import { bytesOf, integerOf, textOf } from "../database.ts";
import type { Database } from "../database.ts";
import type { EncodedOutgoing } from "../wire/batches.ts";
import { ByteReader } from "../wire/bytes.ts";
import { readOutgoing } from "../wire/messages.ts";

interface Lane {
  readonly id: number;
  nextSequence: number;
  trimmed: number;
  owner: string | undefined;
  leasedUntilMs: number;
}

/** An outbox row on its way between the threads. */
export interface PackedOutboxRow {
  readonly firstSequence: number;
  /** Messages at the row's beginning that are published already. */
  readonly skip: number;
  /** Messages to take after those. */
  readonly take: number;
  readonly messages: Uint8Array;
}

export class OutboxTable {
  readonly #database: Database;
  readonly #lanes = new Map<string, Lane>();

  /** Ends all leases: the file serves one process, so whoever held them is gone. */
  constructor(database: Database) {
    this.#database = database;
    database.run("UPDATE lanes SET owner = NULL, leased_until_ms = 0 WHERE owner IS NOT NULL");
  }

  forget(): void {
    this.#lanes.clear();
  }

  add(lane: string, sets: readonly EncodedOutgoing[]): { from: number; to: number } {
    const found = this.#lane(lane);
    const from = found.nextSequence;
    const count = sets.reduce((sum, { length }) => sum + length, 0);
    if (count > 0) {
      this.#database.run(
        "INSERT INTO outbox (lane, first_sequence, message_count, messages) VALUES (?, ?, ?, ?)",
        found.id,
        from,
        count,
        Buffer.concat(sets.map(({ bytes }) => bytes)),
      );
      found.nextSequence = from + count;
      this.#database.run(
        "UPDATE lanes SET next_sequence = ? WHERE id = ?",
        found.nextSequence,
        found.id,
      );
    }
    return { from, to: found.nextSequence };
  }

  pending(): string[] {
    const rows = this.#database.rows(`
      SELECT name, (SELECT row FROM outbox WHERE lane = lanes.id ORDER BY first_sequence LIMIT 1) AS oldest
      FROM lanes WHERE oldest IS NOT NULL ORDER BY oldest
    `);
    return rows.map((row) => textOf(row, "name"));
  }

  extents(): PendingLane[] {
    return this.#database
      .rows("SELECT name, trimmed, next_sequence FROM lanes WHERE next_sequence > trimmed")
      .map((row) => ({
        lane: textOf(row, "name"),
        from: integerOf(row, "trimmed"),
        to: integerOf(row, "next_sequence"),
      }));
  }

  lease(lane: string, owner: string, nowMs: number, leaseMs: number): boolean {
    const found = this.#lane(lane);
    if (found.owner !== undefined && found.owner !== owner && nowMs < found.leasedUntilMs) {
      return false;
    }
    found.owner = owner;
    found.leasedUntilMs = Math.ceil(nowMs + leaseMs);
    this.#database.run(
      "UPDATE lanes SET owner = ?, leased_until_ms = ? WHERE id = ?",
      owner,
      found.leasedUntilMs,
      found.id,
    );
    return true;
  }

  /** Forgets a lease by which nothing was ever published: without sequences there is nothing to keep. */
  forgetLease(name: string): void {
    const found = this.#find(name);
    if (found === undefined || found.nextSequence > 0) return;
    this.#database.run("DELETE FROM lanes WHERE id = ?", found.id);
    this.#lanes.delete(name);
  }

  read(lane: string, limit: number): PackedOutboxRow[] {
    const found = this.#find(lane);
    if (found === undefined) return [];
    const packed: PackedOutboxRow[] = [];
    let left = limit;
    const rows = this.#database.iterate(
      "SELECT first_sequence, message_count, messages FROM outbox WHERE lane = ? ORDER BY first_sequence",
      found.id,
    );
    for (const row of left > 0 ? rows : []) {
      const firstSequence = integerOf(row, "first_sequence");
      const skip = Math.max(0, found.trimmed - firstSequence);
      const take = Math.min(left, integerOf(row, "message_count") - skip);
      packed.push({ firstSequence, skip, take, messages: bytesOf(row, "messages") });
      left -= take;
      if (left <= 0) break;
    }
    return packed;
  }

  trim(lane: string, owner: string, sequence: number): void {
    const found = this.#lane(lane);
    if (found.owner !== owner) {
      throw new MillraceError(
        "FENCED",
        `lane ${lane} is leased by ${found.owner ?? "nobody"}, not by ${owner}`,
      );
    }
    if (sequence <= found.trimmed) return;
    found.trimmed = Math.min(sequence, found.nextSequence);
    this.#database.run(
      "DELETE FROM outbox WHERE lane = ?1 AND first_sequence < ?2 AND first_sequence + message_count <= ?2",
      found.id,
      found.trimmed,
    );
    this.#database.run("UPDATE lanes SET trimmed = ? WHERE id = ?", found.trimmed, found.id);
  }

  #lane(name: string): Lane {
    const known = this.#find(name);
    if (known !== undefined) return known;
    const { lastRow } = this.#database.run(
      "INSERT INTO lanes (name, next_sequence, trimmed, leased_until_ms) VALUES (?, 0, 0, 0)",
      name,
    );
    const made = { id: lastRow, nextSequence: 0, trimmed: 0, owner: undefined, leasedUntilMs: 0 };
    this.#lanes.set(name, made);
    return made;
  }

  #find(name: string): Lane | undefined {
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const row = this.#database.row("SELECT * FROM lanes WHERE name = ?", name);
    if (row === undefined) return undefined;
    const lane: Lane = {
      id: integerOf(row, "id"),
      nextSequence: integerOf(row, "next_sequence"),
      trimmed: integerOf(row, "trimmed"),
      owner: row["owner"] === null ? undefined : textOf(row, "owner"),
      leasedUntilMs: integerOf(row, "leased_until_ms"),
    };
    this.#lanes.set(name, lane);
    return lane;
  }
}

export function unpackOutbox(
  lane: string,
  epoch: number,
  rows: readonly PackedOutboxRow[],
): OutboxRow[] {
  return rows.map(({ firstSequence, skip, take, messages }) => {
    const reader = new ByteReader(messages);
    for (let skipped = 0; skipped < skip; skipped++) readOutgoing(reader);
    return {
      lane,
      epoch,
      firstSequence: firstSequence + skip,
      messages: Array.from({ length: take }, () => readOutgoing(reader)),
    };
  });
}

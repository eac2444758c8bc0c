/**
 * Events, in blocks: those that one commit appends stand one after another in as few rows as make
 * blocks of about 16 KiB, and each entity's events are found through an index of their sequences.
 *
 *     block := (length:u32 event)*        event := entity:text version:varint message
 *
 * Why blocks. Reading everything in order is what views, rebuilds and replays do, and a row for each
 * event made that cost more in the database's calls than in anything else. Reading one entity pays a
 * little: a block is read for each of its events that stands in another one.
 */

import { assert } from "../../../model/assert.ts";
import { STORE_LIMITS } from "../../../store/limits.ts";
import { MillraceError } from "../../../model/errors.ts";
import type { EntityRead } from "../../../store/read-check.ts";
import type { StoredEvent } from "../../../store/store.ts";
import { bytesOf, integerOf } from "../database.ts";
import type { Database, Row } from "../database.ts";
import type { EncodedEvents } from "../wire/batches.ts";
import { ByteReader, ByteWriter } from "../wire/bytes.ts";
import { readMessage } from "../wire/messages.ts";

const BLOCK_BYTES = 16 * 1024;

/** Events on their way between the threads: to hand one piece of memory over costs nothing. */
export interface PackedEvents {
  /** Sequences where they do not simply follow each other by one. */
  readonly sequences: readonly number[] | undefined;
  readonly firstSequence: number;
  /** Events at the beginning of `events` to pass over, and how many to take after them. */
  readonly skip: number;
  readonly take: number;
  readonly events: Uint8Array<ArrayBuffer>;
}

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
      "SELECT coalesce(max(version), 0) AS n FROM entity_events WHERE entity = ?",
      entity,
    );
    return integerOf(row, "n");
  }

  /** The sequence of the newest event; 0 where there is none. */
  last(): number {
    this.#lastSequence ??= integerOf(
      this.#database.row(
        "SELECT coalesce(max(first_sequence + event_count) - 1, 0) AS n FROM " +
          "(SELECT * FROM event_blocks ORDER BY first_sequence DESC LIMIT 1)",
      ),
      "n",
    );
    return this.#lastSequence;
  }

  /** Appends all that one commit brings, in this order. */
  append(writes: readonly EncodedEvents[]): void {
    let block = new ByteWriter(Number.MAX_SAFE_INTEGER);
    let count = 0;
    for (const { entity, expected, events } of writes) {
      let version = expected;
      for (const message of events) {
        const place = block.beginBlock();
        block.text(entity);
        block.number(++version);
        block.raw(message);
        block.endBlock(place);
        this.#database.run(
          "INSERT INTO entity_events (entity, version, sequence) VALUES (?, ?, ?)",
          entity,
          version,
          this.last() + ++count,
        );
        if (block.length < BLOCK_BYTES) continue;
        this.#insertBlock(block, count);
        block = new ByteWriter(Number.MAX_SAFE_INTEGER);
        count = 0;
      }
    }
    if (count > 0) this.#insertBlock(block, count);
  }

  readEntity(entity: string, after: number, limit: number): PackedEvents {
    const gathered = new GatheredEvents();
    for (const event of this.#eventsOf(entity, after, limit)) {
      gathered.add(event);
      if (gathered.bytes > STORE_LIMITS.batchBytesMax) break;
    }
    return gathered.pack();
  }

  /** One entity after the other. Throws TOO_LARGE. */
  readEntities(reads: readonly EntityRead[], limit: number): PackedEvents {
    const gathered = new GatheredEvents();
    for (const { entity, after = 0 } of reads) {
      for (const event of this.#eventsOf(entity, after, limit)) gathered.add(event);
      if (gathered.bytes <= STORE_LIMITS.batchBytesMax) continue;
      throw new MillraceError(
        "TOO_LARGE",
        `the events of ${reads.length} entities take over ${STORE_LIMITS.batchBytesMax} bytes; read ` +
          `fewer entities at once, or page through one by readEntity`,
      );
    }
    return gathered.pack();
  }

  *#eventsOf(entity: string, after: number, limit: number): Iterable<EncodedEvent> {
    const rows = this.#database.rows(
      "SELECT sequence FROM entity_events WHERE entity = ? AND version > ? ORDER BY version LIMIT ?",
      entity,
      after,
      limit,
    );
    let block: BlockCursor | undefined;
    for (const row of rows) {
      const sequence = integerOf(row, "sequence");
      if (block === undefined || sequence >= block.end) block = this.#blockOf(sequence);
      yield { sequence, bytes: block.advanceTo(sequence) };
    }
  }

  readAll(after: number, limit: number): PackedEvents {
    const from = after + 1;
    const rows = this.#database.iterate(
      `SELECT first_sequence, event_count, events FROM event_blocks WHERE first_sequence >=
         coalesce((SELECT max(first_sequence) FROM event_blocks WHERE first_sequence <= ?1), ?1)
       ORDER BY first_sequence`,
      from,
    );
    const blocks: Uint8Array[] = [];
    let firstSequence = from;
    let end = 0;
    let bytes = 0;
    for (const row of limit > 0 ? rows : []) {
      if (blocks.length === 0) firstSequence = integerOf(row, "first_sequence");
      end = integerOf(row, "first_sequence") + integerOf(row, "event_count");
      const events = bytesOf(row, "events");
      blocks.push(events);
      bytes += events.length;
      if (end - from >= limit || bytes > STORE_LIMITS.batchBytesMax) break;
    }
    const take = Math.max(0, Math.min(limit, end - from));
    const skip = take === 0 ? 0 : from - firstSequence;
    return { sequences: undefined, firstSequence, skip, take, events: joined(blocks, bytes) };
  }

  #insertBlock(block: ByteWriter, count: number): void {
    const last = this.last();
    this.#database.run(
      "INSERT INTO event_blocks (first_sequence, event_count, events) VALUES (?, ?, ?)",
      last + 1,
      count,
      block.finish(),
    );
    this.#lastSequence = last + count;
  }

  #blockOf(sequence: number): BlockCursor {
    const row = this.#database.row(
      "SELECT * FROM event_blocks WHERE first_sequence <= ? ORDER BY first_sequence DESC LIMIT 1",
      sequence,
    );
    assert(row !== undefined, "every event of the index stands in a block");
    return new BlockCursor(row);
  }
}

interface EncodedEvent {
  readonly sequence: number;
  readonly bytes: Uint8Array;
}

/** Events from here and there, made one piece. */
class GatheredEvents {
  readonly #writer = new ByteWriter(Number.MAX_SAFE_INTEGER);
  readonly #sequences: number[] = [];

  get bytes(): number {
    return this.#writer.length;
  }

  add({ sequence, bytes }: EncodedEvent): void {
    this.#writer.block(bytes);
    this.#sequences.push(sequence);
  }

  pack(): PackedEvents {
    const sequences = this.#sequences;
    const take = sequences.length;
    return { sequences, firstSequence: 0, skip: 0, take, events: this.#writer.finish() };
  }
}

/** Walks through the events of one block. */
class BlockCursor {
  /** The sequence after the block's last event. */
  readonly end: number;
  readonly #reader: ByteReader;
  #next: number;

  constructor(row: Row) {
    this.#next = integerOf(row, "first_sequence");
    this.end = this.#next + integerOf(row, "event_count");
    this.#reader = new ByteReader(bytesOf(row, "events"));
  }

  advanceTo(sequence: number): Uint8Array {
    assert(this.#next <= sequence && sequence < this.end, "a cursor goes forwards in its block");
    for (; this.#next < sequence; this.#next++) this.#reader.block();
    this.#next++;
    return this.#reader.block();
  }
}

export function unpackEvents(packed: PackedEvents): StoredEvent[] {
  const reader = new ByteReader(packed.events);
  for (let skipped = 0; skipped < packed.skip; skipped++) reader.block();
  const events: StoredEvent[] = [];
  for (let index = 0; index < packed.take; index++) {
    reader.beginBlock();
    const sequence = packed.sequences?.[index] ?? packed.firstSequence + packed.skip + index;
    const entity = reader.text();
    const version = reader.number();
    events.push({ sequence, entity, version, message: readMessage(reader) });
  }
  return events;
}

function joined(blocks: readonly Uint8Array[], bytes: number): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const block of blocks) {
    whole.set(block, at);
    at += block.length;
  }
  return whole;
}

/**
 * What stands behind the header of an intact batch: its records as bytes, decompressed where they were
 * compressed. Their writer is a stranger, so they may be malformed though the checksum holds.
 */

import { compressionCodec } from "../../../codecs/compression/compression.ts";
import { DecompressionFailed } from "../../../codecs/compression/decompression-failed.ts";
import { AT, COMPRESSION_MASK } from "./batch-layout.ts";
import type { BatchHeader } from "./batch-decoder.ts";
import { RecordCursor } from "./record-cursor.ts";

/** What a batch may become when it is decompressed: four times the largest batch. */
export const CONTENTS_BYTES_MAX: number = 32 * 1024 * 1024;

/** Why nobody can read the records of a batch whose checksum holds. */
export class UnreadableBatch extends Error {
  override readonly name = "UnreadableBatch";
}

/** The records' bytes are those of the buffer from `start` up to `end`. */
export interface BatchContents {
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
}

/** Throws `UnreadableBatch`. */
export function openContents(
  bytes: Buffer,
  at: number,
  header: BatchHeader,
  bytesMax: number = CONTENTS_BYTES_MAX,
): BatchContents {
  const start = at + AT.records;
  const end = at + header.bytes;
  const number = header.attributes & COMPRESSION_MASK;
  if (number === 0 || header.count === 0) return { buffer: bytes, start, end };
  const codec = compressionCodec(number);
  if (codec === undefined) throw new UnreadableBatch(`unknown compression codec ${number}`);
  try {
    const buffer = codec.decompress(bytes.subarray(start, end), { bytesMax });
    return { buffer, start: 0, end: buffer.length };
  } catch (error) {
    if (!(error instanceof DecompressionFailed)) throw error;
    throw new UnreadableBatch(error.message, { cause: error });
  }
}

/** Where a record and its fields stand in the contents. Not kept: the next one is the same object. */
export interface RecordPlace {
  offset: number;
  timeDelta: number;
  /** Of the record, its length included. */
  start: number;
  /** Behind the time. */
  restStart: number;
  end: number;
  keyStart: number;
  /** -1 for null. */
  keyBytes: number;
  valueBytes: number;
}

/** Visits all records, looking at every length; texts are not decoded. Throws as `RecordWalk.step` does. */
export function walkRecords(
  contents: BatchContents,
  header: BatchHeader,
  visit: (record: RecordPlace) => void,
): void {
  new RecordWalk(contents, header).step(Infinity, visit);
}

/** Records visited before others have their turn: a few milliseconds' work, whatever is done with each. */
const TURN_RECORDS = 10_000;

/** The same in parts, between which others have their turn. Rejects with `UnreadableBatch`. */
export async function walkInTurns(
  contents: BatchContents,
  header: BatchHeader,
  { visit, turn }: { visit: (record: RecordPlace) => void; turn: () => Promise<void> },
): Promise<void> {
  const walk = new RecordWalk(contents, header);
  while (walk.step(TURN_RECORDS, visit)) await turn();
}

class RecordWalk {
  readonly #header: BatchHeader;
  readonly #end: number;
  readonly #cursor: RecordCursor;
  readonly #place: RecordPlace;
  #index = 0;

  constructor({ buffer, start, end }: BatchContents, header: BatchHeader) {
    this.#header = header;
    this.#end = end;
    this.#cursor = new RecordCursor(buffer, start, end);
    this.#place = {
      offset: header.baseOffset - 1,
      timeDelta: 0,
      start,
      restStart: start,
      end: start,
      keyStart: 0,
      keyBytes: 0,
      valueBytes: 0,
    };
  }

  /**
   * Visits so many more; false when that were all. Throws `UnreadableBatch` where they contradict the
   * header or themselves.
   */
  step(countMax: number, visit: (record: RecordPlace) => void): boolean {
    const [header, cursor, place, end] = [this.#header, this.#cursor, this.#place, this.#end];
    const last = Math.min(header.count, this.#index + countMax);
    for (; this.#index < last; this.#index++) {
      place.start = cursor.at;
      const length = cursor.varint();
      place.end = cursor.at + length;
      if (length <= 0 || place.end > end) throw contradictory();
      cursor.at++;
      place.timeDelta = cursor.varlong();
      place.restStart = cursor.at;
      place.offset = nextOffset(header, place.offset, cursor.varint());
      place.keyBytes = cursor.skip();
      place.keyStart = cursor.at - Math.max(0, place.keyBytes);
      place.valueBytes = cursor.skip();
      for (let left = cursor.varint(); left > 0 && cursor.at <= place.end; left--) {
        if (cursor.skip() < 0) throw contradictory();
        cursor.skip();
      }
      if (cursor.at !== place.end) throw contradictory();
      visit(place);
    }
    if (last < header.count) return true;
    if (cursor.at !== end) throw contradictory();
    return false;
  }
}

/** A record's offset, which is greater than the one before and within the batch. */
export function nextOffset(header: BatchHeader, before: number, delta: number): number {
  const offset = header.baseOffset + delta;
  if (offset <= before || offset >= header.nextOffset) throw contradictory();
  return offset;
}

export function contradictory(): UnreadableBatch {
  return new UnreadableBatch("malformed records under a checksum that holds");
}

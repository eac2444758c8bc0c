/**
 * What a partition knew of producers at one offset, as a file beside the segments (`….producers`, named
 * by the offset). `docs/formats/log.md` gives the grammar.
 *
 * It spares a start the reading of old segments and is never the only place of anything: one that is
 * missing, torn or of another format is made again from the batches' headers.
 */

import { crc32c } from "../format/crc32c.ts";
import { readInt64, writeInt64 } from "../format/int64.ts";
import type { AbortedWithStable } from "./aborted-transactions.ts";
import type { ProducerEntry, SequencedBatch } from "./producer-entry.ts";
import type { OpenTransaction, StableState } from "./stable-end.ts";

export interface ProducerSnapshot {
  readonly offset: number;
  readonly stable: StableState;
  /** Those that ended in the segment before the offset. */
  readonly aborted: readonly AbortedWithStable[];
  /** Decoded when asked for: of most snapshots only the rest is needed. */
  readonly entries: () => readonly ProducerEntry[];
}

/** "MRPS", Millrace producer states. */
const MARK = 0x4d525053;
const FORMAT = 1;
const HEADER_BYTES = 36;
const ABORTED_BYTES = 32;
const OPEN_BYTES = 28;
const END_BYTES = 16;
const PRODUCER_BYTES = 39;
const BATCH_BYTES = 24;
const CRC_BYTES = 4;

export function encodeSnapshot({ offset, stable, aborted, entries }: ProducerSnapshot): Buffer {
  const producers = entries();
  const { open, visibleEnd } = stable;
  let bytes = HEADER_BYTES + aborted.length * ABORTED_BYTES + CRC_BYTES;
  for (const { ends } of open) bytes += OPEN_BYTES + ends.size * END_BYTES;
  for (const { batches } of producers) bytes += PRODUCER_BYTES + batches.length * BATCH_BYTES;
  const out = new Cursor(Buffer.alloc(bytes));
  out.putInt32(MARK);
  out.putInt16(FORMAT);
  out.putInt16(0);
  out.putInt64(offset);
  out.putInt64(visibleEnd);
  out.putInt32(aborted.length);
  out.putInt32(open.length);
  out.putInt32(producers.length);
  for (const { producerId, firstOffset, lastOffset, stableEnd } of aborted) {
    for (const value of [producerId, firstOffset, lastOffset, stableEnd]) out.putInt64(value);
  }
  for (const transaction of open) {
    const { producerId, firstOffset, ends } = transaction;
    for (const value of [producerId, firstOffset, transaction.visibleEnd]) out.putInt64(value);
    out.putInt32(ends.size);
    for (const [id, end] of ends) {
      out.putInt64(id);
      out.putInt64(end);
    }
  }
  for (const entry of producers) putEntry(out, entry);
  out.putInt32(crc32c(out.buffer, 0, bytes - CRC_BYTES) | 0);
  return out.buffer;
}

/** Undefined where the bytes are not whole. */
export function decodeSnapshot(file: Uint8Array): ProducerSnapshot | undefined {
  const buffer = Buffer.from(file.buffer, file.byteOffset, file.length);
  const end = buffer.length - CRC_BYTES;
  if (end < HEADER_BYTES || crc32c(buffer, 0, end) !== buffer.readUInt32BE(end)) return undefined;
  const cursor = new Cursor(buffer);
  if (cursor.int32() !== MARK || cursor.int16() !== FORMAT) return undefined;
  cursor.int16();
  const offset = cursor.int64();
  const visibleEnd = cursor.int64();
  const [abortedCount, openCount, producerCount] = [cursor.int32(), cursor.int32(), cursor.int32()];
  const aborted = times(abortedCount, (): AbortedWithStable => ({
    producerId: cursor.int64(),
    firstOffset: cursor.int64(),
    lastOffset: cursor.int64(),
    stableEnd: cursor.int64(),
  }));
  const open = times(openCount, (): OpenTransaction => ({
    producerId: cursor.int64(),
    firstOffset: cursor.int64(),
    visibleEnd: cursor.int64(),
    ends: new Map(times(cursor.int32(), () => [cursor.int64(), cursor.int64()] as const)),
  }));
  const producersAt = cursor.at;
  return {
    offset,
    stable: { visibleEnd, open },
    aborted,
    entries: () => {
      const producers = new Cursor(buffer, producersAt);
      return times(producerCount, () => readEntry(producers));
    },
  };
}

function putEntry(out: Cursor, entry: ProducerEntry): void {
  out.putInt64(entry.id);
  out.putInt16(entry.epoch);
  out.putInt32(entry.coordinatorEpoch);
  out.putInt64(entry.openFrom ?? -1);
  out.putInt64(entry.lastMs);
  out.putInt64(entry.heardMs);
  out.putInt8(entry.batches.length);
  for (const { firstSequence, lastSequence, firstOffset, lastOffset } of entry.batches) {
    out.putInt32(firstSequence);
    out.putInt32(lastSequence);
    out.putInt64(firstOffset);
    out.putInt64(lastOffset);
  }
}

function readEntry(cursor: Cursor): ProducerEntry {
  const id = cursor.int64();
  const epoch = cursor.int16();
  const coordinatorEpoch = cursor.int32();
  const openFrom = cursor.int64();
  const lastMs = cursor.int64();
  const heardMs = cursor.int64();
  const batches = times(cursor.int8(), (): SequencedBatch => ({
    firstSequence: cursor.int32(),
    lastSequence: cursor.int32(),
    firstOffset: cursor.int64(),
    lastOffset: cursor.int64(),
  }));
  return {
    id,
    epoch,
    coordinatorEpoch,
    batches,
    openFrom: openFrom < 0 ? undefined : openFrom,
    lastMs,
    heardMs,
  };
}

function times<Value>(count: number, make: () => Value): Value[] {
  return Array.from({ length: count }, make);
}

/** Numbers one after another. */
class Cursor {
  at: number;
  readonly buffer: Buffer;

  constructor(buffer: Buffer, at = 0) {
    this.buffer = buffer;
    this.at = at;
  }

  int8(): number {
    return this.buffer.readInt8(this.at++);
  }

  int16(): number {
    return this.buffer.readInt16BE((this.at += 2) - 2);
  }

  int32(): number {
    return this.buffer.readInt32BE((this.at += 4) - 4);
  }

  int64(): number {
    return readInt64(this.buffer, (this.at += 8) - 8);
  }

  putInt8(value: number): void {
    this.buffer.writeInt8(value, this.at++);
  }

  putInt16(value: number): void {
    this.buffer.writeInt16BE(value, (this.at += 2) - 2);
  }

  putInt32(value: number): void {
    this.buffer.writeInt32BE(value, (this.at += 4) - 4);
  }

  putInt64(value: number): void {
    writeInt64(this.buffer, (this.at += 8) - 8, value);
  }
}

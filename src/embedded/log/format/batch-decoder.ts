/**
 * Reads the headers of Kafka v2 record batches, believing nothing: a batch is looked at only after its
 * length is plausible and its checksum holds.
 */

import { AT, BATCH_BYTES_MAX, LENGTH_OVERHEAD, MAGIC, TRANSACTIONAL } from "./batch-layout.ts";
import { crc32c } from "./crc32c.ts";
import { readInt64 } from "./int64.ts";

export interface BatchHeader {
  readonly baseOffset: number;
  /** The offset after the batch's last. */
  readonly nextOffset: number;
  /** Of the whole batch on disk. */
  readonly bytes: number;
  readonly leaderEpoch: number;
  readonly attributes: number;
  readonly baseMs: number;
  readonly newestMs: number;
  /** -1 for a batch without a producer; then the next two mean nothing. */
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly count: number;
}

/**
 * The header of the batch at `at`; undefined where none can begin there: not enough bytes for a
 * header, another format, or numbers out of bounds. The checksum is not looked at.
 */
export function readBatchHeader(bytes: Buffer, at: number): BatchHeader | undefined {
  if (bytes.length - at < AT.records || bytes[at + AT.magic] !== MAGIC) return undefined;
  const length = bytes.readInt32BE(at + AT.length) + LENGTH_OVERHEAD;
  const baseOffset = readInt64(bytes, at + AT.baseOffset);
  const lastOffsetDelta = bytes.readInt32BE(at + AT.lastOffsetDelta);
  const count = bytes.readInt32BE(at + AT.count);
  const plausible =
    length >= AT.records &&
    length <= BATCH_BYTES_MAX &&
    Number.isSafeInteger(baseOffset) &&
    baseOffset >= 0 &&
    lastOffsetDelta >= 0 &&
    count >= 0;
  if (!plausible) return undefined;
  return {
    baseOffset,
    nextOffset: baseOffset + lastOffsetDelta + 1,
    bytes: length,
    leaderEpoch: bytes.readInt32BE(at + AT.leaderEpoch),
    attributes: bytes.readInt16BE(at + AT.attributes),
    baseMs: readInt64(bytes, at + AT.baseTimestamp),
    newestMs: readInt64(bytes, at + AT.maxTimestamp),
    producerId: readInt64(bytes, at + AT.producerId),
    producerEpoch: bytes.readInt16BE(at + AT.producerEpoch),
    baseSequence: bytes.readInt32BE(at + AT.baseSequence),
    count,
  };
}

export function isTransactional({ attributes }: BatchHeader): boolean {
  return (attributes & TRANSACTIONAL) !== 0;
}

/** Whether all bytes of the batch are there and its checksum holds. */
export function isIntact(bytes: Buffer, at: number, header: BatchHeader): boolean {
  const end = at + header.bytes;
  return (
    end <= bytes.length &&
    crc32c(bytes, at + AT.attributes, end) === bytes.readUInt32BE(at + AT.crc)
  );
}

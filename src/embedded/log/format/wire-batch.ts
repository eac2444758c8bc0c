/**
 * Record batches as a client sent them: looked at, never taken apart.
 *
 * A batch from the wire is stored as it came, but for the two fields in front of its checksum, which
 * belong to the broker: the base offset and the leader epoch. So what is checked here is all that the
 * log relies on later: the header's numbers, and the checksum over everything else.
 */

import { BatchRefused } from "../batch-refused.ts";
import {
  AT,
  BATCH_BYTES_MAX,
  COMPRESSION_MASK,
  CONTROL,
  LENGTH_OVERHEAD,
  LOG_APPEND_TIME,
  MAGIC,
  TRANSACTIONAL,
} from "./batch-layout.ts";
import { isIntact, readBatchHeader, type BatchHeader } from "./batch-decoder.ts";
import { crc32c } from "./crc32c.ts";
import { writeInt64 } from "./int64.ts";

/** Seven fields of a byte each: otherwise a few bytes could use up offsets by the thousand million. */
const RECORD_BYTES_MIN = 7;

export interface WireBatch {
  /** The whole batch. Its first 16 bytes are written when it is given its offset. */
  readonly bytes: Buffer;
  readonly header: BatchHeader;
}

/**
 * Cuts what a produce request carries for one partition into its batches, as views.
 *
 * Throws `BatchRefused`: corrupt, invalid, too-large, old-format.
 */
export function splitBatches(
  records: Buffer,
  bytesMax: number = BATCH_BYTES_MAX,
): readonly WireBatch[] {
  const batches: WireBatch[] = [];
  for (let at = 0; at < records.length;) {
    const batch = batchAt(records, at, Math.min(bytesMax, BATCH_BYTES_MAX));
    batches.push(batch);
    at += batch.bytes.length;
  }
  return batches;
}

/** Writes what belongs to the broker: the offset, and the leader epoch, which is 0 here. */
export function placeBatch({ bytes }: WireBatch, baseOffset: number): void {
  writeInt64(bytes, AT.baseOffset, baseOffset);
  bytes.writeInt32BE(0, AT.leaderEpoch);
}

/**
 * Gives all records the time at which the broker takes them, as a topic may ask: the checksum covers
 * that, so it is computed anew. Changes the batch's bytes.
 */
export function stampBatch({ bytes, header }: WireBatch, nowMs: number): WireBatch {
  const attributes = header.attributes | LOG_APPEND_TIME;
  bytes.writeInt16BE(attributes, AT.attributes);
  writeInt64(bytes, AT.maxTimestamp, nowMs);
  bytes.writeUInt32BE(crc32c(bytes, AT.attributes, bytes.length), AT.crc);
  return { bytes, header: { ...header, attributes, newestMs: nowMs } };
}

function batchAt(records: Buffer, at: number, bytesMax: number): WireBatch {
  const left = records.length - at;
  const magic = records[at + AT.magic];
  if (magic !== undefined && magic < MAGIC) {
    throw new BatchRefused("old-format", `a batch of format ${magic}; only format 2 is taken`);
  }
  if (left < AT.records) throw invalid(`${left} bytes are too few for a batch`);
  const length = records.readInt32BE(at + AT.length) + LENGTH_OVERHEAD;
  if (length > bytesMax) {
    throw new BatchRefused("too-large", `a batch of ${length} bytes, more than ${bytesMax}`);
  }
  const bytes = records.subarray(at, at + length);
  // The client's own offset counts for nothing, and may be anything.
  bytes.fill(0, AT.baseOffset, AT.length);
  const header = readBatchHeader(bytes, 0);
  if (header === undefined) throw invalid("the batch's header is malformed");
  if (!isIntact(bytes, 0, header)) {
    throw new BatchRefused("corrupt", "the batch's checksum does not hold");
  }
  if (header.count < 1 || header.nextOffset !== header.count) {
    throw invalid(`the batch has ${header.count} records over ${header.nextOffset} offsets`);
  }
  const isPlain = (header.attributes & COMPRESSION_MASK) === 0;
  if (isPlain && header.count * RECORD_BYTES_MIN > length - AT.records) {
    throw invalid(`${length} bytes are too few for ${header.count} records`);
  }
  if (header.attributes & CONTROL) throw invalid("only a broker writes transaction markers");
  checkProducer(header);
  return { bytes, header };
}

function checkProducer({ producerId, producerEpoch, baseSequence, attributes }: BatchHeader): void {
  if (producerId < 0) {
    if (attributes & TRANSACTIONAL) throw invalid("a transaction needs a producer with an id");
  } else if (producerEpoch < 0 || baseSequence < 0) {
    throw invalid(
      `producer ${producerId} sent epoch ${producerEpoch} and sequence ${baseSequence}; both begin at 0`,
    );
  }
}

function invalid(text: string): BatchRefused {
  return new BatchRefused("invalid", text);
}

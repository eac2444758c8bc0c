/**
 * The end of a transaction in a log: a batch of one control record, byte for byte as Kafka writes it
 * ("EndTransactionMarker", KIP-98). Clients skip it; it costs one offset.
 *
 * ```
 * key   := version:int16=0 type:int16            0 abort, 1 commit
 * value := version:int16=0 coordinatorEpoch:int32
 * ```
 */

import { AT, CONTROL, LENGTH_OVERHEAD, MAGIC, TRANSACTIONAL } from "./batch-layout.ts";
import { crc32c } from "./crc32c.ts";
import { writeInt64 } from "./int64.ts";
import { RecordCursor } from "./record-cursor.ts";

export type TransactionEnd = "abort" | "commit";

export interface TransactionMarker {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly kind: TransactionEnd;
  /** Of whoever decided; grows whenever somebody else takes over deciding. */
  readonly coordinatorEpoch: number;
}

const KINDS: readonly TransactionEnd[] = ["abort", "commit"];
const VERSION = 0;

/** Where the fields of the one record stand, counted from the batch's beginning. */
const RECORD_AT = {
  keyLength: AT.records + 4,
  keyVersion: AT.records + 5,
  type: AT.records + 7,
  valueLength: AT.records + 9,
  valueVersion: AT.records + 10,
  coordinatorEpoch: AT.records + 12,
  headerCount: AT.records + 16,
} as const;

const BATCH_BYTES = RECORD_AT.headerCount + 1;

/** The whole batch; its offset is written when the log gives it one. */
export function encodeMarker(marker: TransactionMarker, timeMs: number): Buffer {
  const batch = Buffer.alloc(BATCH_BYTES);
  batch.writeInt32BE(BATCH_BYTES - LENGTH_OVERHEAD, AT.length);
  batch[AT.magic] = MAGIC;
  batch.writeInt16BE(TRANSACTIONAL | CONTROL, AT.attributes);
  writeInt64(batch, AT.baseTimestamp, timeMs);
  writeInt64(batch, AT.maxTimestamp, timeMs);
  writeInt64(batch, AT.producerId, marker.producerId);
  batch.writeInt16BE(marker.producerEpoch, AT.producerEpoch);
  batch.writeInt32BE(-1, AT.baseSequence);
  batch.writeInt32BE(1, AT.count);
  // Lengths are zigzag varints of one byte; attributes and both deltas are 0.
  batch[AT.records] = zigzag(BATCH_BYTES - AT.records - 1);
  batch[RECORD_AT.keyLength] = zigzag(4);
  batch.writeInt16BE(VERSION, RECORD_AT.keyVersion);
  batch.writeInt16BE(KINDS.indexOf(marker.kind), RECORD_AT.type);
  batch[RECORD_AT.valueLength] = zigzag(6);
  batch.writeInt16BE(VERSION, RECORD_AT.valueVersion);
  batch.writeInt32BE(marker.coordinatorEpoch, RECORD_AT.coordinatorEpoch);
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
  return batch;
}

/** What the control batch at `at` says; undefined for a kind of control record that ends nothing. */
export function readMarkerEnd(
  bytes: Buffer,
  at: number,
): Pick<TransactionMarker, "kind" | "coordinatorEpoch"> | undefined {
  // Compaction may have given the record another time, of another length.
  const cursor = new RecordCursor(bytes, at + AT.records, bytes.length);
  cursor.varint();
  cursor.at++;
  cursor.varlong();
  cursor.varint();
  const key = cursor.bytes();
  const value = cursor.bytes();
  if (key?.length !== 4 || value?.length !== 6) return undefined;
  const kind = KINDS[key.readInt16BE(2)];
  return kind && { kind, coordinatorEpoch: value.readInt32BE(2) };
}

function zigzag(length: number): number {
  return length * 2;
}

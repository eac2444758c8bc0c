/** Record batches made once and sent again and again: what is measured is the server, not their making. */

import { BatchEncoder } from "../../src/embedded/log/format/batch-encoder.ts";

/** About what a busy producer sends for one partition. */
const BATCH_BYTES = 64 * 1024;
/** What a record and a batch have beside the value, generously. */
const OVERHEAD_BYTES = 64;

export interface PreparedBatch {
  readonly bytes: Buffer;
  readonly records: number;
}

/** A batch of some `batchBytes` with records of so many bytes of value, without keys. */
export function prepareBatch(recordBytes: number, batchBytes: number = BATCH_BYTES): PreparedBatch {
  const records = Math.max(1, Math.floor(batchBytes / recordBytes));
  const nowMs = Date.now();
  const room = Buffer.alloc(records * (recordBytes + OVERHEAD_BYTES) + OVERHEAD_BYTES * 2);
  const encoder = new BatchEncoder(room, 0, nowMs);
  const value = Buffer.alloc(recordBytes, "x");
  for (let made = 0; made < records; made++) {
    encoder.add({ key: null, value, headers: [] }, nowMs);
  }
  return { bytes: encoder.seal(), records };
}

const LENGTH_AT = 8;
const LENGTH_OVERHEAD = 12;
const LAST_DELTA_AT = 23;
const HEADER_BYTES = 61;

/** The offset behind the last whole batch of what a fetch brought; undefined where there is none. */
export function offsetBehind(records: Buffer): number | undefined {
  let next: number | undefined;
  for (let at = 0; at + HEADER_BYTES <= records.length;) {
    const bytes = records.readInt32BE(at + LENGTH_AT) + LENGTH_OVERHEAD;
    if (at + bytes > records.length) break;
    next = Number(records.readBigInt64BE(at)) + records.readInt32BE(at + LAST_DELTA_AT) + 1;
    at += bytes;
  }
  return next;
}

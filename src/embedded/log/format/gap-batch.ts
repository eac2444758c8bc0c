/** Batches without records that hold the place of others, which compaction has removed. */

import { AT, LENGTH_OVERHEAD, MAGIC } from "./batch-layout.ts";
import type { BatchHeader } from "./batch-decoder.ts";
import { crc32c } from "./crc32c.ts";
import { writeInt64 } from "./int64.ts";

/**
 * An empty batch over the offsets from `baseOffset` up to `nextOffset`, all of whose batches are gone. It
 * is what keeps offsets without a gap, which is what protects them.
 */
export function encodeGap(baseOffset: number, nextOffset: number): Buffer {
  const batch = Buffer.alloc(AT.records);
  writeInt64(batch, AT.baseOffset, baseOffset);
  batch.writeInt32BE(AT.records - LENGTH_OVERHEAD, AT.length);
  batch[AT.magic] = MAGIC;
  batch.writeInt32BE(nextOffset - baseOffset - 1, AT.lastOffsetDelta);
  // No times, no producer.
  batch.fill(0xff, AT.baseTimestamp, AT.count);
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
  return batch;
}

export function isGap({ count, producerId }: BatchHeader): boolean {
  return count === 0 && producerId < 0;
}

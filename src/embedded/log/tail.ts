/**
 * The newest group of a partition, in memory, for readers that waited for it.
 *
 * Who keeps up reads what was written a moment ago: from here that takes neither a thread's errand to
 * the file nor a checksum. A group is kept only if somebody waited for it when it was written, only
 * until the next one, and only up to `TAIL_BYTES_MAX`; so a partition that nobody follows, or whose
 * readers are far behind, keeps nothing.
 */

import type { EncodedBatch } from "./commit/commit-group.ts";
import { readBatchHeader } from "./format/batch-decoder.ts";
import { BatchRecords } from "./format/batch-records.ts";
import type { LogRecord, ReadRecords } from "./partition-log.ts";
import type { TransactionalBatch } from "./producers/partition-producers.ts";
import type { ReadLimits } from "./segment/segment.ts";

const TAIL_BYTES_MAX = 256 * 1024;

export class Tail {
  private readonly firstOffset: number;
  private readonly nextOffset: number;
  private readonly batches: readonly BatchRecords[];

  private constructor(firstOffset: number, nextOffset: number, batches: readonly BatchRecords[]) {
    this.firstOffset = firstOffset;
    this.nextOffset = nextOffset;
    this.batches = batches;
  }

  /**
   * A copy, since the batches' memory is used again; undefined where the group is too large, and where
   * something of a transaction is in it: all other groups are stable as a whole, or not at all.
   */
  static of(
    { firstOffset, nextOffset, bytes, transactional }: TailGroup,
    batches: readonly EncodedBatch[],
  ): Tail | undefined {
    if (bytes > TAIL_BYTES_MAX || transactional.length > 0) return undefined;
    const copies = batches.map((batch) => {
      const copy = Buffer.from(batch.bytes);
      return new BatchRecords(copy, 0, readBatchHeader(copy, 0)!);
    });
    return new Tail(firstOffset, nextOffset, copies);
  }

  /** Some of it must be unpacked before it is read. */
  get packed(): boolean {
    return this.batches.some((batch) => batch.packed);
  }

  async unpack(): Promise<void> {
    await Promise.all(this.batches.filter((batch) => batch.packed).map((batch) => batch.unpack()));
  }

  /** As a log's `read`, before the stable end; undefined where `offset` is not in the group. */
  read(offset: number, limits: ReadLimits): ReadRecords | undefined {
    if (offset < this.firstOffset || offset >= this.nextOffset) return undefined;
    const records: LogRecord[] = [];
    let bytes = 0;
    let next = offset;
    for (const batch of this.batches) {
      if (records.length >= limits.count || (records.length > 0 && bytes >= limits.bytes)) break;
      if (batch.header.nextOffset <= offset) continue;
      const found = batch.read(offset, limits.count - records.length);
      for (const record of found.records) records.push(record);
      bytes += batch.header.bytes;
      ({ next } = found);
    }
    return { records, next };
  }
}

interface TailGroup {
  readonly firstOffset: number;
  readonly nextOffset: number;
  readonly bytes: number;
  readonly transactional: readonly TransactionalBatch[];
}

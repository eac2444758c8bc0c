/**
 * A partition's log as those see it who speak Kafka's record batches: the Kafka door. Batches go in
 * and come out byte for byte, but for their offset and leader epoch; nobody takes them apart on the way.
 *
 * Three ends, each at or before the next: `stableEnd`, before the first transaction that is still open;
 * `end`, what is durable (Kafka's high watermark); and what gathers for the next group, which nobody sees.
 */

import type { WireBatch } from "./format/wire-batch.ts";
import type { PartitionLog } from "./partition-log.ts";
import type { BatchRun, RunLimits } from "./segment/batch-run.ts";

export interface BatchLog extends PartitionLog {
  /**
   * Appends batches that a client made. Appends become durable in the order of the calls, with those of
   * `append`. The bytes must not change until `durable` settles.
   *
   * Throws at once what `append` throws.
   */
  appendBatches(batches: readonly WireBatch[]): {
    readonly firstOffset: number;
    readonly durable: Promise<void>;
  };

  /** Whole batches from the one that holds `offset` on; none at the end. Throws as `read` does. */
  readBatches(offset: number, limits: RunLimits): Promise<BatchRun>;

  /**
   * The log begins at `offset` from now on, in the middle of a segment too: nobody reads what lies
   * before, and whole segments of it are removed. It holds until the log is closed; beyond that it is
   * the caller's to remember, before the call, and to tell as `startOffset`. Returns the new earliest
   * offset, which may be greater. Throws OFFSET_OUT_OF_RANGE for what lies beyond the end.
   */
  trimTo(offset: number): Promise<number>;

  /** The offset of the record with the newest time, the first of several; `end` in an empty log. */
  newestOffset(): Promise<number>;
}

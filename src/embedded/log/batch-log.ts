/**
 * A partition's log as those see it who speak Kafka's record batches: the Kafka door. Batches go in
 * and come out byte for byte, but for their offset and leader epoch; nobody takes them apart on the way.
 *
 * Four ends, each at or before the next: `visibleEnd`, behind the last record that a reader of this
 * process can be given; `stableEnd`, before the first transaction that is still open; `end`, what is
 * durable (Kafka's high watermark); and what gathers for the next group, which nobody sees.
 */

import type { TransactionMarker } from "./format/transaction-marker.ts";
import type { WireBatch } from "./format/wire-batch.ts";
import type { Appended, PartitionLog } from "./partition-log.ts";
import type { KnownAborted } from "./producers/aborted-transactions.ts";
import type { ProducerEntry } from "./producers/producer-entry.ts";
import type { BatchRun, RunLimits } from "./segment/batch-run.ts";
import type { RecordTime } from "./segment/segment.ts";

export type LogEnd = "visibleEnd" | "stableEnd" | "end";

export interface BatchLog extends PartitionLog {
  /** Before the first open transaction, or `end`: Kafka's last stable offset. */
  readonly stableEnd: number;

  /**
   * Appends batches that a client made; one at a time where its producer has an id. Appends become
   * durable in the order of the calls, with those of `append`. The bytes must not change until
   * `durable` settles.
   *
   * One of the last five batches of its producer is not written again: it is answered with the offset
   * that it has, once that is durable.
   *
   * Throws at once what `append` throws, and `BatchRefused`: fenced, out-of-order, transaction-state.
   */
  appendBatches(batches: readonly WireBatch[]): Appended;

  /**
   * Ends the producer's transaction in this partition, where one is open; a marker of a newer epoch
   * also fences the older ones. Readers see what was committed when the marker is durable. Passes the
   * floor of free space.
   *
   * Throws at once what `append` throws, and `BatchRefused` ("fenced").
   */
  appendMarker(marker: TransactionMarker): Appended;

  /** Whole batches from the one that holds `offset` on; none at the end. Throws as `read` does. */
  readBatches(offset: number, limits: RunLimits): Promise<BatchRun>;

  /**
   * The log begins at `offset` from now on, in the middle of a segment too: nobody reads what lies
   * before, and whole segments of it are removed. It holds until the log is closed; beyond that it is
   * the caller's to remember, before the call, and to tell as `startOffset`. Returns the new earliest
   * offset, which may be greater. Throws OFFSET_OUT_OF_RANGE for what lies beyond the end.
   */
  trimTo(offset: number): Promise<number>;

  /**
   * The aborted transactions of what may be read now. Taken before a read it judges all that the read
   * gives; taken after it, it may lack those of a segment that was removed meanwhile.
   */
  abortedNow(): KnownAborted;

  /** Producers that are remembered, with what is not durable yet. */
  knownProducers(): readonly ProducerEntry[];

  /** Resolves when the end, `visibleEnd` unless said, passes the offset. */
  waitFor(offset: number, signal: AbortSignal, end?: LogEnd): Promise<void>;

  /** The first record with this time or a later one, whether it is committed or not. */
  recordAt(timeMs: number): Promise<RecordTime | undefined>;

  /** The record with the newest time, the first of several. */
  newestRecord(): Promise<RecordTime | undefined>;
}

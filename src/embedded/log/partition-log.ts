/**
 * What the rest of the embedded broker sees of a log: an append-only sequence of records with
 * offsets, kept in segments of Kafka v2 record batches.
 */

import type {
  LoggedRecord,
  ReadRecords,
  RecordLog,
} from "../../broker/in-process/stream/record-log.ts";
import type { Compaction, Durability, Retention } from "../../broker/streams.ts";
import type { RawMessage } from "../../model/message.ts";

/** What is appended, and what is read. */
export type AppendRecord = RawMessage;
export type LogRecord = LoggedRecord;
export type { ReadRecords };

export interface PartitionLogOptions {
  readonly directory: string;
  readonly durability: Durability;
  readonly retention: Retention;
  readonly compaction?: Compaction | undefined;
  /** How many keys compaction compares at one time. */
  readonly compactionKeysMax?: number;
  /** What lies before it was deleted; the caller remembers what `trimTo` was told. */
  readonly startOffset?: number;
  /**
   * An earlier life made the log, and gave out at most `UNKNOWN_SPAN` offsets from this one on: where all
   * its files are missing they are lost. Unless said, a log without files is a new one.
   */
  readonly madeUpTo?: number | undefined;
  readonly segmentBytesMax?: number;
  /** Appends that may wait for the disk before OVERLOADED. */
  readonly pendingBytesMax?: number;
}

export interface Appended {
  /** Of the first record. */
  readonly firstOffset: number;
  /** Settles when all of it is as durable as the mode promises. */
  readonly durable: Promise<void>;
}

/** Offsets from `firstOffset` up to, without, `nextOffset`. */
export interface LostOffsets {
  readonly firstOffset: number;
  readonly nextOffset: number;
}

/** A `RecordLog` on disk; stated here is what it promises beyond that. */
export interface PartitionLog extends RecordLog {
  /** Also after a failed sync, or damage found in recovery. */
  readonly stopped: string | undefined;

  /**
   * Appends the records as one batch and returns the offset of the first at once, before anything is
   * written; `durable` settles when they are as durable as the mode promises. Appends become durable
   * in the order of their calls. `onFull: "allow"` passes the free-space floor: acknowledgements and
   * deletions must work on a full disk.
   *
   * Throws (at once) TOO_LARGE, OVERLOADED, DISK_FULL, CLOSED, DISK_FAILED, LOG_DAMAGED; `durable`
   * rejects with DISK_FULL or DISK_FAILED. After DISK_FULL nothing of the append exists, nor of those
   * that were waiting behind it, which fail too, and later appends are given their offsets.
   */
  append(
    records: readonly AppendRecord[],
    options?: { readonly onFull?: "refuse" | "allow" },
  ): Appended;

  /** Offsets whose loss was accepted, the lowest first: reads go on behind them. */
  readonly lostRanges: readonly LostOffsets[];

  /** As every log; throws LOG_DAMAGED too. */
  read(
    offset: number,
    limits: { readonly count: number; readonly bytes: number },
  ): Promise<ReadRecords>;

  /**
   * Removes segments that retention no longer keeps, after ending the one that is written where it is
   * old enough. Returns the new earliest offset. Works on a full disk unless a segment must end.
   */
  enforceRetention(nowMs: number): Promise<number>;

  /** Removes whole segments that lie wholly before `offset`. */
  trimBefore(offset: number): Promise<number>;

  /** Waits for pending appends, syncs, seals the segment, closes files. */
  close(): Promise<void>;
}

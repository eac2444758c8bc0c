/**
 * What the rest of the embedded broker sees of a log: an append-only sequence of records with
 * offsets, kept in segments of Kafka v2 record batches.
 */

import type { Header, RawMessage } from "../../model/message.ts";
import type { Durability, Retention } from "../../broker/streams.ts";

export interface LogRecord extends RawMessage {
  readonly offset: number;
  /** When it was appended, in milliseconds since 1970; never falls from one record to the next. */
  readonly appendedMs: number;
}

export interface AppendRecord {
  readonly key: string | Uint8Array | null;
  readonly headers: readonly Header[];
  readonly value: Uint8Array | null;
}

export interface PartitionLogOptions {
  readonly directory: string;
  readonly durability: Durability;
  readonly retention: Retention;
  readonly segmentBytesMax?: number;
  /** Appends that may wait for the disk before OVERLOADED. */
  readonly pendingBytesMax?: number;
}

export interface PartitionLog {
  /** The oldest kept offset. */
  readonly earliest: number;
  /** The offset after the last durable record: readers see nothing beyond it. */
  readonly end: number;
  readonly bytes: number;
  /** Why it takes no appends: a failed sync, or damage found in recovery. */
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
  ): { readonly firstOffset: number; readonly durable: Promise<void> };

  /** Durable records from `offset` on, at least one where there is one, else empty at the end. Throws OFFSET_OUT_OF_RANGE, LOG_DAMAGED. */
  read(
    offset: number,
    limits: { readonly count: number; readonly bytes: number },
  ): Promise<readonly LogRecord[]>;

  /** Resolves when `end` passes `offset`, or rejects with the signal's reason. */
  waitFor(offset: number, signal: AbortSignal): Promise<void>;

  /** The first offset appended at or after `timeMs`; `end` where there is none. */
  offsetAt(timeMs: number): Promise<number>;

  configure(options: { readonly durability: Durability; readonly retention: Retention }): void;

  /**
   * Removes segments that retention no longer keeps, after ending the one that is written where it is
   * old enough. Returns the new earliest offset. Works on a full disk unless a segment must end.
   */
  enforceRetention(nowMs: number): Promise<number>;

  /** Removes whole segments that lie wholly before `offset`. */
  trimBefore(offset: number): Promise<number>;

  /** Waits for pending appends, syncs, trims what was preallocated, closes files. */
  close(): Promise<void>;
}

/**
 * What brokers that live in this process keep their records in. The embedded broker's partition log
 * satisfies it on disk, `memory/` in an array; everything above is shared, so the two cannot drift.
 */

import type { RawMessage } from "../../../model/message.ts";
import type { Compaction, Durability, Retention } from "../../streams.ts";

export interface LoggedRecord extends RawMessage {
  readonly offset: number;
  /** When it was appended, in milliseconds since 1970; never falls from one record to the next. */
  readonly appendedMs: number;
}

export interface ReadRecords {
  readonly records: readonly LoggedRecord[];
  /** The offset to read from next. */
  readonly next: number;
}

export interface LogSettings {
  readonly durability: Durability;
  readonly retention: Retention;
  readonly compaction?: Compaction | undefined;
}

export interface RecordLog {
  /** The oldest kept offset. */
  readonly earliest: number;
  /** The offset after the last durable record. */
  readonly end: number;
  /**
   * The offset after the last record that a reader can be given, at most `end`: what clients of other
   * protocols have put behind it is not decided yet, or is nothing for a reader.
   */
  readonly visibleEnd: number;
  readonly bytes: number;
  /** Why it takes no appends, where it does not. */
  readonly stopped: string | undefined;

  /**
   * Appends the records as one batch. Appends become durable in the order of their calls. Throws at
   * once, with nothing appended, or rejects `durable`.
   */
  append(
    records: readonly RawMessage[],
    options?: { readonly onFull?: "refuse" | "allow" },
  ): { readonly firstOffset: number; readonly durable: Promise<void> };

  /**
   * Records from `offset` on, and where to go on: beyond `offset` wherever that lies before
   * `visibleEnd`, even where no record was found. Throws OFFSET_OUT_OF_RANGE.
   */
  read(
    offset: number,
    limits: { readonly count: number; readonly bytes: number },
  ): Promise<ReadRecords>;

  /** Resolves when `visibleEnd` passes `offset`, or rejects with the signal's reason. */
  waitFor(offset: number, signal: AbortSignal): Promise<void>;

  /** The first offset appended at or after `timeMs`; `end` where there is none. */
  offsetAt(timeMs: number): Promise<number>;

  configure(options: LogSettings): void;

  /**
   * From when on, by the clock, `enforceRetention` has something to do to the log as it stands;
   * Infinity where only an append brings that.
   */
  readonly retentionDueMs: number;

  /** Removes what retention no longer keeps. Returns the new earliest offset. */
  enforceRetention(nowMs: number): Promise<number>;

  close(): Promise<void>;
}

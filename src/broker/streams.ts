/**
 * The stream face of the broker port: partitioned, retained, replayable logs.
 *
 * A broker need only deliver at least once, in order within a partition; everything beyond that is
 * the runtime's work in `service/`. `conformance/streams` states in executable form what every
 * implementation must do.
 */

import type { Compaction, DedupeWindow, Durability, Retention } from "../model/durability.ts";
import type { Outcome } from "../model/outcome.ts";
import type { RawMessage } from "../model/message.ts";
import type { StartAt } from "../model/position.ts";
import type { BrokerCapabilities } from "./capabilities.ts";

export type { Compaction, DedupeWindow, Durability, Retention };

export interface StreamSpec {
  readonly name: string;
  /** Fixed for a stream's life: a key's partition depends on it. */
  readonly partitions: number;
  readonly retention?: Retention;
  readonly durability?: Durability;
  readonly dedupe?: DedupeWindow;
  /** Beside retention, or instead of it where that is left out. */
  readonly compaction?: Compaction;
  /**
   * What only some brokers know, in their own words: kept, told and given back. Clients from outside
   * set them too.
   */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface PartitionInfo {
  readonly partition: number;
  /** The oldest kept offset. */
  readonly earliest: number;
  /**
   * The offset after the last message that a reader can be given. Where nobody writes transactions, the
   * offset that the next message gets.
   */
  readonly end: number;
  readonly bytes: number;
  /** Why the partition takes no appends, where it does not. */
  readonly stopped?: string;
}

export interface StreamInfo {
  readonly spec: StreamSpec;
  readonly cluster: string;
  /** Changes whenever a stream of this name is created anew. */
  readonly incarnation: string;
  readonly partitions: readonly PartitionInfo[];
}

export interface Appended {
  readonly partition: number;
  readonly offset: number;
  /** The id was appended before, at `offset`; nothing was written now. */
  readonly duplicate: boolean;
}

export interface StreamRecord extends RawMessage {
  readonly partition: number;
  readonly offset: number;
  /** When the broker took it, in milliseconds since 1970; never falls from one offset to the next. */
  readonly appendedMs: number;
}

export interface ReadOptions {
  readonly partition: number;
  readonly from: StartAt;
  /** Wait for further records at the end; otherwise the iteration ends there. */
  readonly follow?: boolean;
  /** At most so many records a batch; 1,000 unless said. */
  readonly batchCount?: number;
  readonly signal?: AbortSignal;
}

/**
 * One partition given to one member of a group.
 *
 * The epoch grows with every new assignment of the partition, so a store can refuse what a former
 * owner still tries to write.
 */
export interface AssignedPartition {
  readonly stream: string;
  readonly partition: number;
  readonly epoch: number;
  /** What the group committed last; undefined where it never did. */
  readonly committed: number | undefined;
  /** Aborts when the partition goes to another member or the group closes. */
  readonly revoked: AbortSignal;
  /** Batches from `from` on, without end until `revoked`. The next batch is fetched when asked for. */
  read(
    from: StartAt,
    options?: { readonly batchCount?: number },
  ): AsyncIterable<readonly StreamRecord[]>;
  /** Stores the offset of the next message to read. Throws FENCED after the partition was lost. */
  commit(offset: number): Promise<void>;
}

export interface JoinOptions {
  readonly group: string;
  readonly streams: readonly string[];
  /** Names this member in listings. */
  readonly member: string;
  /**
   * Owns the partition from call to return. After `revoked` aborts it must finish, commit and
   * return; the next owner starts when it did. A rejection makes the member leave the group.
   */
  readonly run: (partition: AssignedPartition) => Promise<void>;
}

export interface GroupMember {
  /** Revokes all partitions, waits for their `run`, and leaves. Idempotent. */
  close(): Promise<void>;
  /** Rejects when a `run` did; resolves after `close`. */
  readonly ended: Promise<void>;
}

export interface GroupPosition {
  readonly stream: string;
  readonly partition: number;
  readonly committed: number | undefined;
  readonly end: number;
  /** Messages between the committed offset (or the earliest kept) and the end. */
  readonly lag: number;
  readonly member?: string;
}

export interface GroupInfo {
  readonly group: string;
  readonly positions: readonly GroupPosition[];
}

export interface Streams {
  readonly capabilities: BrokerCapabilities;

  /**
   * Creates the stream, or finds it and brings retention, durability and window to what is asked;
   * compaction and settings stay as they are where nothing is said of them. Throws STREAM_MISMATCH if
   * it has another number of partitions, CAPABILITY_MISSING for compaction where there is none.
   */
  ensureStream(spec: StreamSpec): Promise<StreamInfo>;

  /**
   * Appends each message to the partition of its key (murmur2 as Java's producer computes it; keyless
   * messages are spread). Resolves when every item is durable or has failed. Messages of one call that
   * fall into one partition keep their order, and calls keep the order in which they were made.
   *
   * Once an item of a call has failed for another reason than its own content (TOO_LARGE is its own),
   * nothing behind it in that call is written to that partition; what lies behind fails with it, save
   * repetitions of what was durable before. So sending again from the first failure on keeps the
   * order; consumers that count sequences rely on it.
   *
   * Throws UNKNOWN_STREAM; per item TOO_LARGE, DISK_FULL, DISK_FAILED, OVERLOADED, CLOSED.
   */
  append(
    stream: string,
    messages: readonly RawMessage[],
    options?: { readonly partition?: number },
  ): Promise<readonly Outcome<Appended>[]>;

  /**
   * Reads without a group. Only durable records are seen. Throws OFFSET_OUT_OF_RANGE (details:
   * earliest, end) when the offset is not kept, also in the middle of a read that fell behind retention.
   */
  read(stream: string, options: ReadOptions): AsyncIterable<readonly StreamRecord[]>;

  /** The partition that takes messages of this key. Throws UNKNOWN_STREAM. */
  partitionOf(stream: string, key: string): Promise<number>;

  /** The first offset appended at or after the moment; the end where there is none. */
  offsetAt(stream: string, partition: number, timeMs: number): Promise<number>;

  joinGroup(options: JoinOptions): Promise<GroupMember>;

  /**
   * Moves a group that has no member on that partition. Throws UNKNOWN_GROUP, OFFSET_OUT_OF_RANGE, and
   * FENCED while a member owns the partition. Returns the new offset.
   */
  seekGroup(group: string, stream: string, partition: number, to: StartAt): Promise<number>;

  listStreams(): Promise<readonly StreamInfo[]>;
  describeStream(stream: string): Promise<StreamInfo>;
  deleteStream(stream: string): Promise<void>;
  listGroups(): Promise<readonly GroupInfo[]>;
  describeGroup(group: string): Promise<GroupInfo>;
}

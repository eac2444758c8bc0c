/**
 * One stream at work: its partitions' logs, the appenders before them and the window of ids.
 *
 * The window is rebuilt from the tails of the logs at the first append after opening, not at
 * opening: a start must not read a window's worth of records. Until it is read, appends wait in
 * their buffers.
 */

import type { Clock } from "../../../model/clock.ts";
import { MillraceError } from "../../../model/errors.ts";
import type { RawMessage } from "../../../model/message.ts";
import type { Outcome } from "../../../model/outcome.ts";
import type { StartAt } from "../../../model/position.ts";
import { dedupeId, SeenIds, type DedupeId } from "../../dedupe-window.ts";
import { KeylessSpread, partitionOfKey } from "../../partitioner.ts";
import type { Appended, DedupeWindow, StreamInfo, StreamSpec } from "../../streams.ts";
import { tooLarge } from "../../validate.ts";
import { packPlace, PartitionAppender } from "./partition-appender.ts";
import { PendingCall } from "../pending-call.ts";
import type { RecordLog } from "./record-log.ts";
import type { StoredStream } from "./stream-storage.ts";

export interface LocalStreamOptions {
  readonly stored: StoredStream;
  readonly cluster: string;
  readonly clock: Clock;
  readonly defer: (callback: () => void) => void;
  /** Some of its logs has grown. */
  readonly grown: (stream: LocalStream) => void;
}

const TAIL_READ = { count: 2_000, bytes: 4 * 1024 * 1024 };

export class LocalStream {
  readonly #options: LocalStreamOptions;
  readonly #gone = new AbortController();
  /** One per partition, as the next two: `grow` adds to all three. */
  readonly #logs: RecordLog[] = [];
  readonly #appenders: PartitionAppender[] = [];
  readonly #lastDurable: Promise<void>[] = [];
  #stored: StoredStream;
  #spread: KeylessSpread;
  #spec: StreamSpec;
  #seen: SeenIds | undefined;
  /** Whether the window holds what the logs' tails hold. */
  #seenState: "unread" | "reading" | "read" = "unread";

  /** Whether somebody in this process relies on its number of partitions. */
  declared = false;

  constructor(options: LocalStreamOptions) {
    const { stored } = options;
    this.#options = options;
    this.#stored = stored;
    this.#spec = stored.spec;
    this.#spread = new KeylessSpread(stored.logs.length);
    this.#addPartitions(stored.logs);
    if (stored.logs.every((log) => log.end === log.earliest)) this.#seenState = "read";
    if (this.#spec.dedupe !== undefined) this.#seen = new SeenIds(this.#spec.dedupe);
  }

  get name(): string {
    return this.#spec.name;
  }

  get spec(): StreamSpec {
    return this.#spec;
  }

  get stored(): StoredStream {
    return this.#stored;
  }

  get partitions(): number {
    return this.#logs.length;
  }

  /** Aborts with UNKNOWN_STREAM when the stream is deleted, with CLOSED when its broker closes. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  info(): StreamInfo {
    return {
      spec: this.#spec,
      cluster: this.#options.cluster,
      incarnation: this.#stored.incarnation,
      partitions: this.#logs.map((log, partition) => ({
        partition,
        earliest: log.earliest,
        end: log.visibleEnd,
        bytes: log.bytes,
        ...(log.stopped === undefined ? {} : { stopped: log.stopped }),
      })),
    };
  }

  /** Throws BAD_ARGUMENT for a partition that the stream does not have. */
  log(partition: number): RecordLog {
    const log = this.#logs[partition];
    if (log !== undefined) return log;
    throw new MillraceError(
      "BAD_ARGUMENT",
      `${this.name} has no partition ${partition}; it has 0 to ${this.partitions - 1}`,
      { details: { stream: this.name, partition, partitions: this.partitions } },
    );
  }

  append(
    messages: readonly RawMessage[],
    partition?: number,
  ): Promise<readonly Outcome<Appended>[]> {
    if (partition !== undefined) this.log(partition);
    const call = new PendingCall<Appended>(messages.length);
    if (this.#gone.signal.aborted) {
      for (let i = 0; i < messages.length; i++) call.fail(i, this.#gone.signal.reason);
      return call.settled;
    }
    if (this.#seen !== undefined && this.#seenState === "unread") this.#readTails(this.#seen);
    if (partition === undefined) this.#spread.begin(keylessCount(messages));
    for (let i = 0; i < messages.length; i++) {
      const message = messages[i]!;
      const refusal = tooLarge(this.name, message) ?? this.#keyless(message);
      if (refusal !== undefined) {
        call.fail(i, refusal);
        continue;
      }
      const { key } = message;
      const to = partition ?? (key === null ? this.#spread.next() : this.partitionOf(key));
      this.#appenders[to]!.push(message, call, i);
    }
    return call.settled;
  }

  /** The partition that takes messages of this key. */
  partitionOf(key: string | Uint8Array): number {
    return this.#appenders.length === 1 ? 0 : partitionOfKey(key, this.#appenders.length);
  }

  /**
   * The offset that `from` names. Throws OFFSET_OUT_OF_RANGE with `earliest` and `end` in its
   * details.
   */
  async resolve(partition: number, from: StartAt): Promise<number> {
    const log = this.log(partition);
    if (from === "earliest") return log.earliest;
    if (from === "latest") return log.visibleEnd;
    if ("timeMs" in from) return log.offsetAt(from.timeMs);
    const { offset } = from;
    if (Number.isSafeInteger(offset) && offset >= log.earliest && offset <= log.end) return offset;
    throw this.outOfRange(partition, offset);
  }

  outOfRange(partition: number, offset: number): MillraceError {
    const { earliest, end } = this.log(partition);
    const place = `${this.name}[${partition}]`;
    return new MillraceError(
      "OFFSET_OUT_OF_RANGE",
      offset < earliest
        ? `offset ${offset} is older than ${earliest}, the oldest kept in ${place}; start from "earliest" or raise the retention`
        : `offset ${offset} lies beyond ${end}, the end of ${place}; start from "latest", or look whether the stream lost its tail or was made anew`,
      { details: { stream: this.name, partition, offset, earliest, end } },
    );
  }

  configure(spec: StreamSpec): void {
    this.#spec = spec;
    const { durability = { mode: "fsync" }, retention = {}, compaction, dedupe } = spec;
    for (const log of this.#logs) log.configure({ durability, retention, compaction });
    if (dedupe === undefined) {
      this.#seen = undefined;
    } else if (this.#seen === undefined) {
      this.#seen = new SeenIds(dedupe);
      this.#seenState = "unread";
    } else {
      this.#seen.configure(dedupe, this.#options.clock.now());
    }
  }

  /**
   * Takes the partitions behind those it has. From now on keys fall into other partitions, while what
   * was appended stays where it is.
   */
  grow(stored: StoredStream): void {
    this.#addPartitions(stored.logs.slice(this.#logs.length));
    this.#stored = stored;
    this.#spec = stored.spec;
    this.#spread = new KeylessSpread(this.#logs.length);
  }

  /** Something was appended to one of its logs by another way than `append`. */
  grew(): void {
    this.#options.grown(this);
  }

  /** When retention next has something to do, as its logs stand; Infinity for never. */
  get retentionDueMs(): number {
    const { retention, compaction } = this.#spec;
    if (retention === undefined && compaction === undefined) return Infinity;
    return Math.min(...this.#logs.map((log) => log.retentionDueMs));
  }

  async enforceRetention(): Promise<void> {
    const nowMs = this.#options.clock.now();
    for (const log of this.#logs) await log.enforceRetention(nowMs);
  }

  /** Fails what waits and ends every read with `reason`. */
  end(reason: MillraceError): void {
    this.#gone.abort(reason);
    for (const appender of this.#appenders) appender.failAll(reason);
  }

  /** Without a key nothing says which of a compacted stream's messages it replaces. */
  #keyless({ key }: RawMessage): MillraceError | undefined {
    if (key !== null || this.#spec.compaction === undefined) return undefined;
    return new MillraceError(
      "BAD_MESSAGE",
      `${this.name} is compacted, so each of its messages needs a key; give this one a key, or publish it to a stream without compaction`,
      { details: { stream: this.name } },
    );
  }

  #addPartitions(logs: readonly RecordLog[]): void {
    const { clock, defer, grown } = this.#options;
    for (const log of logs) {
      const partition = this.#logs.push(log) - 1;
      this.#lastDurable.push(Promise.resolve());
      const appender = new PartitionAppender({
        partition,
        logs: this.#logs,
        clock,
        defer,
        seen: () => this.#seen,
        lastDurable: this.#lastDurable,
        grown: () => grown(this),
      });
      if (this.#seenState === "reading") appender.hold();
      this.#appenders.push(appender);
    }
  }

  #readTails(seen: SeenIds): void {
    const window = this.#spec.dedupe!;
    this.#seenState = "reading";
    for (const appender of this.#appenders) appender.hold();
    tailIds(this.#logs, window, this.#options.clock.now()).then(
      (ids) => {
        for (const { id, place, timeMs } of ids) seen.remember(id, place, timeMs);
        this.#seenState = "read";
        for (const appender of this.#appenders) appender.resume();
      },
      (error: unknown) => {
        // Nothing was appended, so the next append may try again.
        this.#seenState = "unread";
        for (const appender of this.#appenders) appender.failAll(error);
      },
    );
  }
}

function keylessCount(messages: readonly RawMessage[]): number {
  let count = 0;
  for (let i = 0; i < messages.length; i++) if (messages[i]!.key === null) count++;
  return count;
}

interface TailId {
  readonly id: DedupeId;
  readonly place: number;
  readonly timeMs: number;
}

/** The ids in the logs that the window still covers, oldest first. */
async function tailIds(
  logs: readonly RecordLog[],
  window: DedupeWindow,
  nowMs: number,
): Promise<TailId[]> {
  const found: TailId[] = [];
  for (const [partition, log] of logs.entries()) {
    const inTime = await log.offsetAt(nowMs - window.ms);
    let offset = Math.max(log.earliest, inTime, log.visibleEnd - window.count);
    while (offset < log.visibleEnd) {
      const { records, next } = await log.read(offset, TAIL_READ);
      for (const record of records) {
        const id = dedupeId(record);
        if (id === undefined) continue;
        found.push({ id, place: packPlace(partition, record.offset), timeMs: record.appendedMs });
      }
      offset = next;
    }
  }
  return found.toSorted((a, b) => a.timeMs - b.timeMs);
}

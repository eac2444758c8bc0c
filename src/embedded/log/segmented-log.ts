/**
 * A partition: segments from the oldest kept to the one that is being written.
 *
 * Appends go to `GroupCommit`; reads go to the segment that holds the offset and see nothing beyond
 * `end`. Segments leave only at the front and are added only at the back, both between two groups, so
 * their offsets always join without a gap.
 */

import { assert } from "../../model/assert.ts";
import type { LogSettings } from "../../broker/in-process/stream/record-log.ts";
import type { Compaction, Retention } from "../../broker/streams.ts";
import { endsForCompaction } from "./compaction/compaction-plan.ts";
import { LogCompaction } from "./compaction/log-compaction.ts";
import { damagedActive } from "./segment/damage.ts";
import { belowFloorError } from "./commit/commit-errors.ts";
import { GroupCommit } from "./commit/group-commit.ts";
import type { LogEnvironment } from "./log-environment.ts";
import { closedError, outOfRangeError, overloadedError } from "./log-errors.ts";
import { EndWaiters } from "./end-waiters.ts";
import { throwAfter } from "./endings.ts";
import { cutOf, type LogCut } from "./log-registry.ts";
import type {
  AppendRecord,
  Appended,
  LostOffsets,
  PartitionLogOptions,
  ReadRecords,
} from "./partition-log.ts";
import { expiredCount, outgrown, retentionDueMs } from "./retention.ts";
import type { BatchLog, LogEnd } from "./batch-log.ts";
import type { RecoveredPartition } from "./recovery.ts";
import { readBatchHeader, type BatchHeader } from "./format/batch-decoder.ts";
import { encodeMarker, type TransactionMarker } from "./format/transaction-marker.ts";
import type { WireBatch } from "./format/wire-batch.ts";
import type { KnownAborted } from "./producers/aborted-transactions.ts";
import { producedBatch, type PartitionProducers } from "./producers/partition-producers.ts";
import type { ProducerEntry } from "./producers/producer-entry.ts";
import { SnapshotKeeper } from "./producers/snapshot-keeper.ts";
import type { BatchRun, RunLimits } from "./segment/batch-run.ts";
import type { ReadLimits, RecordTime, Segment } from "./segment/segment.ts";
import { SegmentReads } from "./segment/segment-reads.ts";
import { removeSegmentFiles } from "./segment/remove-segment-files.ts";
import { createSegment, followerOf, type SegmentWriter } from "./segment/segment-writer.ts";
import type { Tail } from "./tail.ts";

const SEGMENT_BYTES_MAX = 64 * 1024 * 1024;
const PENDING_BYTES_MAX = 32 * 1024 * 1024;
const ENDS: readonly LogEnd[] = ["end", "stableEnd", "visibleEnd"];

export class SegmentedLog implements BatchLog {
  readonly directory: string;
  private readonly environment: LogEnvironment;
  private readonly segmentBytesMax: number;
  private readonly pendingBytesMax: number;
  private readonly commit: GroupCommit;
  private readonly producers: PartitionProducers;
  private readonly snapshots: SnapshotKeeper;
  /** Those who wait for each of the ends. */
  private readonly waiters = {
    end: new EndWaiters(),
    stableEnd: new EndWaiters(),
    visibleEnd: new EndWaiters(),
  };
  private segments: readonly Segment[];
  private tail: Tail | undefined;
  private retention: Retention;
  private compaction: Compaction | undefined;
  private readonly compactor: LogCompaction;
  private readonly reads: SegmentReads;
  private startOffset: number;
  private closed: Promise<void> | undefined;

  constructor(options: PartitionLogOptions, parts: RecoveredPartition) {
    this.environment = parts.environment;
    this.directory = options.directory;
    this.retention = options.retention;
    this.compaction = options.compaction;
    this.segmentBytesMax = options.segmentBytesMax ?? SEGMENT_BYTES_MAX;
    this.pendingBytesMax = options.pendingBytesMax ?? PENDING_BYTES_MAX;
    this.segments = parts.segments;
    this.producers = parts.restored.producers;
    this.snapshots = new SnapshotKeeper(parts.environment, options.directory, parts.restored);
    // A power cut may have taken an end that was not synced yet, and what was deleted with it.
    this.startOffset = Math.min(options.startOffset ?? 0, this.end);
    this.commit = new GroupCommit({
      environment: parts.environment,
      directory: options.directory,
      writer: parts.writer,
      durability: options.durability,
      newestMs: Math.max(...parts.segments.map((segment) => segment.newestMs)),
      rollDue: (writer) => this.rollDue(writer),
      roll: (writer) => this.roll(writer),
      awaited: () => this.waiters.visibleEnd.waiting,
      onVisible: ({ nextOffset, transactional }, tail) => {
        this.tail = tail;
        this.producers.durable(nextOffset, transactional);
        for (const end of ENDS) this.waiters[end].reach(this[end]);
      },
      onRefused: (offset) => this.producers.states.takeBack(offset),
    });
    this.reads = new SegmentReads(parts.environment.log, (segment, range) => {
      if (segment === this.active) this.commit.stop(damagedActive(segment.path, range));
    });
    this.compactor = new LogCompaction({
      keysMax: options.compactionKeysMax,
      host: {
        environment: parts.environment,
        directory: options.directory,
        producers: this.producers,
        stableEnd: () => this.stableEnd,
        segments: () => this.segments,
        exclusively: (task) => this.commit.between(task),
        replace: (segment, by) => this.replace(segment, by),
      },
    });
    if (parts.stopped !== undefined) this.commit.stop(parts.stopped);
    parts.environment.open.add(this);
  }

  get earliest(): number {
    return Math.max(this.segments[0]!.baseOffset, this.startOffset);
  }

  get end(): number {
    return this.active.nextOffset;
  }

  get stableEnd(): number {
    return Math.max(this.producers.stableEnd, this.earliest);
  }

  get visibleEnd(): number {
    return Math.max(this.producers.visibleEnd, this.earliest);
  }

  get bytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  get stopped(): string | undefined {
    return this.commit.stopped?.message;
  }

  get lostRanges(): readonly LostOffsets[] {
    return this.segments.flatMap((segment) => segment.lostRanges);
  }

  append(
    records: readonly AppendRecord[],
    { onFull = "refuse" }: { readonly onFull?: "refuse" | "allow" } = {},
  ): Appended {
    assert(records.length > 0, "an append has at least one record");
    this.admit(onFull);
    return this.commit.append(records);
  }

  appendBatches(batches: readonly WireBatch[]): Appended {
    assert(batches.length > 0, "an append has at least one batch");
    const produced = producedBatch(batches[0]!.header);
    if (produced === undefined) {
      this.admit("refuse");
      return this.commit.appendWhole(batches);
    }
    assert(batches.length === 1, "a producer with an id appends one batch at a time");
    this.checkOpen();
    this.commit.checkTaking();
    const nowMs = this.environment.clock.now();
    const { states } = this.producers;
    const original = states.check(produced, nowMs);
    if (original !== undefined) {
      const { firstOffset } = original;
      return { firstOffset, durable: this.commit.durableAt(firstOffset) };
    }
    this.admit("refuse");
    const appended = this.commit.appendWhole(batches);
    states.appended(produced, { firstOffset: appended.firstOffset, nowMs });
    return appended;
  }

  appendMarker(marker: TransactionMarker): Appended {
    this.checkOpen();
    this.commit.checkTaking();
    const nowMs = this.environment.clock.now();
    const { states } = this.producers;
    states.checkMarker(marker, nowMs);
    this.admit("allow");
    const bytes = encodeMarker(marker, nowMs);
    const header = readBatchHeader(bytes, 0)!;
    const appended = this.commit.appendWhole([{ bytes, header }], marker.kind);
    states.ended(marker, { firstOffset: appended.firstOffset, nowMs, lastMs: nowMs });
    return appended;
  }

  abortedNow(): KnownAborted {
    return this.producers.aborted.now();
  }

  knownProducers(): readonly ProducerEntry[] {
    return this.producers.states.list(this.environment.clock.now());
  }

  async read(offset: number, limits: ReadLimits): Promise<ReadRecords> {
    const { tail } = this;
    if (tail?.packed === true) await tail.unpack();
    const segment = this.segmentOf(offset);
    const { stableEnd: endOffset } = this;
    if (segment === undefined || offset >= endOffset) return { records: [], next: offset };
    const fresh = this.tail?.read(offset, limits);
    if (fresh !== undefined) return fresh;
    const aborted = this.abortedNow();
    const isAborted = ({ producerId, baseOffset }: BatchHeader): boolean =>
      aborted.includes({ producerId, offset: baseOffset });
    return this.reads.around(segment, () =>
      segment.read(offset, { ...limits, endOffset, isAborted }),
    );
  }

  async readBatches(offset: number, limits: RunLimits): Promise<BatchRun> {
    for (let from = offset; ;) {
      const segment = this.segmentOf(from);
      if (segment === undefined) return { chunks: [], bytes: 0, nextOffset: from, neededBytes: 0 };
      const start = from;
      const run = await this.reads.around(segment, () => segment.readRun(start, limits));
      // Compaction left nothing of the rest of the segment: on to the next one.
      if (run.bytes > 0 || run.nextOffset <= from) return run;
      from = run.nextOffset;
    }
  }

  waitFor(offset: number, signal: AbortSignal, end: LogEnd = "visibleEnd"): Promise<void> {
    if (this.closed !== undefined) return Promise.reject(closedError(this.directory));
    return this[end] > offset ? Promise.resolve() : this.waiters[end].wait(offset, signal);
  }

  async offsetAt(timeMs: number): Promise<number> {
    return (await this.recordAt(timeMs))?.offset ?? this.end;
  }

  async recordAt(timeMs: number): Promise<RecordTime | undefined> {
    for (const segment of this.segments) {
      if (segment.nextOffset <= this.earliest || segment.newestMs < timeMs) continue;
      const search = { timeMs, from: this.earliest };
      const found = await this.reads.around(segment, () => segment.recordAt(search));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  newestRecord(): Promise<RecordTime | undefined> {
    return this.recordAt(Math.max(...this.segments.map((segment) => segment.newestMs)));
  }

  configure({ durability, retention, compaction }: LogSettings): void {
    this.retention = retention;
    this.compaction = compaction;
    this.commit.configure(durability);
  }

  get retentionDueMs(): number {
    if (this.closed !== undefined || this.commit.stopped !== undefined) return Infinity;
    const { retention, compaction, segmentBytesMax } = this;
    const compactedMs = compaction === undefined ? Infinity : this.compactor.dueMs(compaction);
    return Math.min(retentionDueMs(this.segments, { retention, segmentBytesMax }), compactedMs);
  }

  async enforceRetention(nowMs: number): Promise<number> {
    if (this.closed !== undefined || this.commit.stopped !== undefined) return this.earliest;
    const { retention, compaction, segmentBytesMax } = this;
    await this.commit.between(async () => {
      const ends =
        outgrown(this.active, { retention, nowMs, segmentBytesMax }) ||
        (compaction !== undefined && endsForCompaction(this.active, compaction, nowMs));
      if (ends) await this.commit.roll();
      await this.removeOldest(expiredCount(this.segments, { retention, nowMs }));
    });
    if (compaction !== undefined) await this.compactor.run(compaction, nowMs);
    return this.earliest;
  }

  async trimBefore(offset: number): Promise<number> {
    if (this.closed !== undefined) throw closedError(this.directory);
    await this.commit.between(async () => {
      const kept = this.segments.findIndex((segment) => segment.nextOffset > offset);
      await this.removeOldest(kept < 0 ? this.segments.length - 1 : kept);
    });
    return this.earliest;
  }

  async trimTo(offset: number): Promise<number> {
    if (offset > this.end) throw outOfRangeError(offset, this);
    this.startOffset = Math.max(this.startOffset, offset);
    return this.trimBefore(offset);
  }

  cut(): LogCut {
    return { directory: this.directory, segments: this.segments.map(cutOf) };
  }

  close(): Promise<void> {
    this.closed ??= this.finish();
    return this.closed;
  }

  private get active(): Segment {
    return this.segments.at(-1)!;
  }

  private async finish(): Promise<void> {
    for (const end of ENDS) this.waiters[end].rejectAll(() => closedError(this.directory));
    await this.compactor.stop();
    this.tail = undefined;
    const { commit } = this;
    try {
      if (commit.stopped === undefined) {
        await commit.between(async () => {
          await commit.settle();
          await this.snapshots.atStop(commit.writer.segment);
          await commit.writer.bound("clean");
        });
      }
    } finally {
      this.environment.open.remove(this);
      await commit.close(this.segments);
    }
  }

  /** Throws where nothing can be taken now. */
  private admit(onFull: "refuse" | "allow"): void {
    this.checkOpen();
    const { freeSpace } = this.environment;
    if (onFull === "refuse" && freeSpace.low) {
      // Whoever tries again in a second meets a fresh look.
      if (freeSpace.stale) void this.commit.between(() => freeSpace.look()).catch(() => undefined);
      throw belowFloorError(this.directory, freeSpace);
    }
    const {
      commit: { pendingBytes },
      pendingBytesMax: limit,
    } = this;
    if (pendingBytes >= limit) throw overloadedError(this.directory, { pendingBytes, limit });
  }

  private checkOpen(): void {
    if (this.closed !== undefined) throw closedError(this.directory);
  }

  /** The segment that holds the offset; undefined at the end. Throws OFFSET_OUT_OF_RANGE. */
  private segmentOf(offset: number): Segment | undefined {
    if (offset < this.earliest || offset > this.end) throw outOfRangeError(offset, this);
    if (offset === this.end) return undefined;
    return this.segments.findLast((candidate) => candidate.baseOffset <= offset)!;
  }

  private rollDue(writer: SegmentWriter): boolean {
    if (writer.sealed) return true;
    const { retention, segmentBytesMax } = this;
    const nowMs = this.environment.clock.now();
    return outgrown(writer.segment, { retention, nowMs, segmentBytesMax });
  }

  private async roll(writer: SegmentWriter): Promise<SegmentWriter> {
    await this.snapshots.atRoll(writer.segment);
    await writer.bound("sealed");
    const beginning = followerOf(writer.segment, this.segments[0]!);
    const next = await createSegment(this.environment, this.directory, beginning);
    await writer.follow().catch((error: unknown) => throwAfter(error, next.close()));
    await writer.close();
    this.segments = [...this.segments, next.segment];
    return next;
  }

  /**
   * Oldest first, each name's end durable before the next goes: a power cut leaves no gap. Before that
   * the log is told to begin later, or what goes would be missed at the next start.
   */
  private async removeOldest(count: number): Promise<void> {
    assert(count < this.segments.length, "the segment that is being written stays");
    if (count === 0) return;
    const going = this.segments.slice(0, count);
    const logStart = this.segments[count]!.baseOffset;
    const told = await this.commit.writer.begin(logStart);
    for (const oldest of going)
      await this.environment.open.change(() => this.removeSegment(oldest));
    if (!told) await this.commit.writer.begin(logStart);
    this.producers.aborted.trimBefore(this.earliest);
  }

  private async removeSegment(oldest: Segment): Promise<void> {
    this.segments = this.segments.slice(1);
    await this.reads.release(oldest);
    await removeSegmentFiles(this.environment.disk, this.directory, oldest);
    await this.snapshots.remove(oldest.baseOffset);
  }

  private async replace(segment: Segment, by: Segment): Promise<void> {
    this.segments = this.segments.map((each) => (each === segment ? by : each));
    await this.reads.release(segment);
  }
}

/**
 * Group commit: while one group of appends is on its way to the disk, the next one gathers.
 *
 * One loop per partition takes the gathered group, writes it, syncs it where the mode is `fsync`,
 * makes it visible and settles its promise; then it starts the group's boundary and goes on with the
 * next group at once, so the two run side by side. Before a third group is written the first one's
 * boundary must stand. So after a power cut at most the last boundary and what follows it are in
 * doubt, and a group is never written before the sync of the group before it has returned.
 *
 * Where several partitions of the process have groups at once, a group takes the way through the commit
 * journal instead (`journal/commit-journal.ts`): it is written without a sync and durable by the
 * journal's; its boundary comes when the journal lets go of it. All else is as above.
 *
 * Work that must see the log at rest (rolling, changing the mode, closing) runs between two groups.
 *
 * Failures. A disk that is full refuses the group and all that gathered behind it, removes what was
 * written of it, and gives the refused offsets to later appends: offsets are without gaps, which is
 * what protects the batch's offset field. A boundary that it refused (where overwriting takes room, as
 * on file systems that copy on write) is written anew before the next group, which is refused as long
 * as it cannot be. Any other error, and any error of a sync, stops the partition for good: after a
 * failed sync the kernel may have dropped the pages, so trying again could succeed without anything
 * having reached the disk.
 */

import type { Durability } from "../../../broker/streams.ts";
import { assert } from "../../../model/assert.ts";
import type { Timer } from "../../../model/clock.ts";
import type { MillraceError } from "../../../model/errors.ts";
import { allEnded } from "../endings.ts";
import { CommitGroup } from "./commit-group.ts";
import { diskFullError, stoppedError } from "./commit-errors.ts";
import { isDiskFull } from "../disks/error-code.ts";
import type { JournalClient } from "../journal/commit-journal.ts";
import { writeShared } from "./shared-write.ts";
import type { LogEnvironment } from "../log-environment.ts";
import type { TransactionEnd } from "../format/transaction-marker.ts";
import type { WireBatch } from "../format/wire-batch.ts";
import type { AppendRecord } from "../partition-log.ts";
import type { Segment } from "../segment/segment.ts";
import type { SegmentWriter, WrittenGroup } from "../segment/segment-writer.ts";
import { Tail } from "../tail.ts";

export interface GroupCommitOptions {
  readonly environment: LogEnvironment;
  /** Names the partition in errors. */
  readonly directory: string;
  readonly writer: SegmentWriter;
  readonly durability: Durability;
  readonly newestMs: number;
  /** Whether the next group should go into a new segment. */
  readonly rollDue: (writer: SegmentWriter) => boolean;
  /** Ends the segment, which is synced, and begins the next one at its `nextOffset`. */
  readonly roll: (writer: SegmentWriter) => Promise<SegmentWriter>;
  /** Whether a reader waits at the end: then `onVisible` is given what it waits for. */
  readonly awaited: () => boolean;
  readonly onVisible: (group: CommitGroup, tail: Tail | undefined) => void;
  /** What was given this offset, and any behind it, is not in the log after all. */
  readonly onRefused: (offset: number) => void;
}

/** Where a written group is durable; in neither, its segment has to be synced. */
type DurableIn = "segment" | "journal" | "neither";

interface Task {
  /** What had gathered when the task was given: it comes first. */
  readonly behind: CommitGroup;
  readonly run: () => Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

export class GroupCommit implements JournalClient {
  writer: SegmentWriter;
  stopped: MillraceError | undefined;
  private readonly options: GroupCommitOptions;
  private readonly environment: LogEnvironment;
  private durability: Durability;
  private gathering: CommitGroup;
  /** The group that was taken last. */
  private writing: CommitGroup | undefined;
  private writingBytes = 0;
  private newestMs: number;
  private running = false;
  private looping: Promise<void> = Promise.resolve();
  private refusing: MillraceError | undefined;
  private boundary: Promise<void> = Promise.resolve();
  /** A full disk did not take the last one. */
  private boundaryRefused = false;
  private readonly tasks: Task[] = [];
  private syncDue = false;
  private syncTimer: Timer | undefined;

  constructor(options: GroupCommitOptions) {
    this.options = options;
    this.environment = options.environment;
    this.writer = options.writer;
    this.durability = options.durability;
    this.newestMs = options.newestMs;
    this.gathering = new CommitGroup(this.writer.nextOffset, this.environment.buffers);
  }

  get directory(): string {
    return this.options.directory;
  }

  get pendingBytes(): number {
    return this.gathering.bytes + this.writingBytes;
  }

  /** Throws where nothing is taken: for good, or until what a full disk refused is taken back. */
  checkTaking(): void {
    if (this.stopped !== undefined) throw this.stopped;
    if (this.refusing !== undefined) throw this.refusing;
  }

  append(records: readonly AppendRecord[]): { firstOffset: number; durable: Promise<void> } {
    this.checkTaking();
    const group = this.gathering;
    const firstOffset = group.nextOffset;
    const nowMs = Math.max(this.newestMs, this.environment.clock.now());
    group.add(records, nowMs);
    this.newestMs = nowMs;
    this.wake();
    return { firstOffset, durable: group.durable };
  }

  /**
   * Appends batches that a client made, or a transaction's marker, which `ends` it. Their times are the
   * client's.
   */
  appendWhole(
    batches: readonly WireBatch[],
    ends?: TransactionEnd,
  ): { firstOffset: number; durable: Promise<void> } {
    this.checkTaking();
    const group = this.gathering;
    const firstOffset = group.nextOffset;
    group.addWhole(batches, this.environment.clock.now(), ends);
    this.wake();
    return { firstOffset, durable: group.durable };
  }

  /** Settles with the append that was given the offset. */
  durableAt(offset: number): Promise<void> {
    if (offset < this.writer.segment.nextOffset) return Promise.resolve();
    const group = offset < this.gathering.firstOffset ? this.writing : this.gathering;
    assert(group !== undefined, `offset ${offset} was given to an append`);
    return group.durable;
  }

  /** Runs the task when no group is on its way and all appends made before are written. */
  between(run: () => Promise<void>): Promise<void> {
    if (this.stopped !== undefined) return Promise.reject(this.stopped);
    return new Promise((resolve, reject) => {
      this.tasks.push({ behind: this.gathering, run, resolve, reject });
      this.wake();
    });
  }

  configure(durability: Durability): void {
    this.durability = durability;
    this.syncDue ||= durability.mode === "fsync" && this.writer.hasUndurable;
    this.wake();
  }

  /** Syncs what is written and waits for its boundary. Only between two groups. */
  async settle(): Promise<void> {
    this.syncTimer?.cancel();
    this.syncTimer = undefined;
    this.syncDue = false;
    if (this.writer.hasUnsynced) await this.writer.sync();
    await this.boundary;
    await this.repeatBoundary();
  }

  /** Ends the current segment and begins another. Only between two groups. */
  async roll(): Promise<void> {
    await this.settle();
    this.writer = await this.options.roll(this.writer);
  }

  /** Closes the files, those of the segments too, when nothing touches them any more. */
  async close(segments: readonly Segment[]): Promise<void> {
    await this.looping;
    await Promise.allSettled([this.boundary]);
    try {
      await allEnded([this.writer.close(), ...segments.map((segment) => segment.release())]);
    } catch (error) {
      throw stoppedError(this.options.directory, error);
    }
  }

  /** Beside the groups that are on their way. A segment that has ended is synced already. */
  async bringHome(): Promise<boolean> {
    const { writer } = this;
    const { durableBytes } = writer;
    try {
      if (this.stopped === undefined && !writer.isHome(durableBytes)) {
        if (writer.hasUnsynced) await writer.syncJournalled();
        if (writer.hasUnbounded) await this.startBoundary();
        await this.boundary;
      }
    } catch (error) {
      // A full disk has room again at some time; until then the journal has what the segment lacks.
      if (!isDiskFull(error)) this.stop(error);
    }
    return writer.isHome(durableBytes);
  }

  stop(error: unknown): MillraceError {
    this.stopped ??= stoppedError(this.options.directory, error);
    this.syncTimer?.cancel();
    this.gathering.reject(this.stopped);
    for (const task of this.tasks.splice(0)) task.reject(this.stopped);
    return this.stopped;
  }

  private wake(): void {
    if (this.running) return;
    this.running = true;
    // After the current call, so that appends made together go together.
    this.looping = Promise.resolve().then(() => this.loop());
  }

  private async loop(): Promise<void> {
    try {
      while (this.hasWork) await this.step();
    } catch (error) {
      this.stop(error);
    }
    // In the same breath as the last look at `hasWork`: what comes later wakes the loop again.
    this.running = false;
  }

  private get hasWork(): boolean {
    if (this.stopped !== undefined) return false;
    return this.hasAppends || this.syncDue || this.tasks.length > 0;
  }

  private get hasAppends(): boolean {
    return this.gathering.nextOffset > this.gathering.firstOffset;
  }

  private async step(): Promise<void> {
    const task = this.tasks[0];
    if (task !== undefined && (task.behind !== this.gathering || !this.hasAppends)) {
      this.tasks.shift();
      return this.runTask(task);
    }
    if (this.hasAppends) return this.commit();
    this.syncDue = false;
    await this.writer.sync();
    await this.startBoundary();
  }

  private async runTask({ run, resolve, reject }: Task): Promise<void> {
    try {
      await run();
      resolve();
    } catch (error) {
      reject(isDiskFull(error) ? diskFullError(this.options.directory, error) : this.stop(error));
    }
  }

  private async commit(): Promise<void> {
    const { journal } = this.environment;
    if (journal === undefined || this.durability.mode !== "fsync") return this.commitGroup();
    journal.begin();
    try {
      await this.commitGroup();
    } finally {
      journal.end();
    }
  }

  private async commitGroup(): Promise<void> {
    const { freeSpace, buffers } = this.environment;
    const group = this.gathering;
    this.gathering = new CommitGroup(group.nextOffset, buffers);
    this.writing = group;
    const batches = group.seal();
    this.writingBytes = group.bytes;
    let tail: Tail | undefined;
    let durableIn: DurableIn;
    let isBehindDurable: boolean;
    try {
      if (freeSpace.stale) await freeSpace.look();
      await this.repeatBoundary();
      if (this.options.rollDue(this.writer)) await this.roll();
      const { bytes, nextOffset, oldestMs, newestMs, producers } = group;
      isBehindDurable = !this.writer.hasUndurable;
      durableIn = await this.write({ batches, bytes, nextOffset, oldestMs, newestMs, producers });
      freeSpace.spend(bytes);
      if (this.options.awaited()) tail = Tail.of(group, batches);
    } catch (error) {
      if (!isDiskFull(error)) {
        group.reject(this.stop(error));
        throw error;
      }
      await this.refuse(group, error);
      return;
    } finally {
      this.writingBytes = 0;
      group.release();
    }
    if (this.durability.mode !== "fsync") this.armTimer(this.durability);
    else if (durableIn === "neither") {
      try {
        await this.writer.sync();
      } catch (error) {
        if (isDiskFull(error) && isBehindDurable) {
          this.writer.takeBack();
          await this.refuse(group, error);
          return;
        }
        group.reject(this.stop(error));
        throw error;
      }
    }
    if (this.stopped !== undefined) {
      // Its segment failed beside it: nobody is told that all is well.
      group.reject(this.stopped);
      return;
    }
    this.writer.publish();
    this.options.onVisible(group, tail);
    group.resolve();
    // What stands in the journal gets its boundary when the journal lets go of it.
    if (durableIn !== "journal" && this.writer.hasUnbounded) await this.startBoundary();
  }

  private async write(group: WrittenGroup): Promise<DurableIn> {
    const { writer } = this;
    const { journal } = this.environment;
    const isFsync = this.durability.mode === "fsync";
    // What a looser mode left is in no journal.
    if (isFsync && !writer.hasUndurable && journal?.admits(group.bytes)) {
      const taken = await writeShared(journal, { client: this, writer, group });
      return taken ? "journal" : "neither";
    }
    // Behind what was not synced yet it takes a sync of the whole file.
    const synced = isFsync && !writer.hasUnsynced;
    await writer.write(group, synced);
    return synced ? "segment" : "neither";
  }

  /** Waits for the boundary before, so that two groups at most lack theirs. */
  private async startBoundary(): Promise<void> {
    await this.boundary;
    const boundary = this.writer.bound().then(
      () => {
        this.boundaryRefused = false;
      },
      (error: unknown) => {
        if (!isDiskFull(error)) throw error;
        this.boundaryRefused = true;
        this.environment.freeSpace.exhausted();
      },
    );
    // The loop, or `settle`, awaits it; until then a failure must not count as unhandled.
    boundary.catch((error: unknown) => this.stop(error));
    this.boundary = boundary;
  }

  /** Throws while the disk is still too full for it. */
  private async repeatBoundary(): Promise<void> {
    if (!this.boundaryRefused) return;
    await this.boundary;
    await this.writer.bound();
    this.boundaryRefused = false;
  }

  private async refuse(group: CommitGroup, cause: unknown): Promise<void> {
    this.environment.freeSpace.exhausted();
    const refusal = diskFullError(this.options.directory, cause);
    this.refusing = refusal;
    this.options.onRefused(group.firstOffset);
    const behind = this.gathering;
    group.reject(refusal);
    behind.reject(refusal);
    await this.writer.cutUnwritten();
    behind.release();
    this.gathering = new CommitGroup(this.writer.nextOffset, this.environment.buffers);
    this.refusing = undefined;
  }

  private armTimer(durability: Durability): void {
    if (durability.mode !== "interval" || this.syncTimer !== undefined) return;
    this.syncTimer = this.environment.clock.after(durability.intervalMs, () => {
      this.syncTimer = undefined;
      this.syncDue = this.writer.hasUnsynced;
      this.wake();
    });
  }
}

/**
 * The writing side of the segment at the end of a partition.
 *
 * A group goes through places that never overtake one another: written, durable (synced, or standing in
 * the commit journal), synced, and bounded (its boundary stands synced in the sidecar). The caller keeps
 * the order of DESIGN: a group is written only when what precedes it is durable.
 */

import { assert } from "../../../model/assert.ts";
import type { EncodedBatch } from "../commit/commit-group.ts";
import type { Disk, DiskFile } from "../disk.ts";
import {
  encodeBoundary,
  SIDECAR_BYTES,
  slotOf,
  type GroupBoundary,
  type SegmentState,
} from "../format/group-boundary.ts";
import { isDiskFull } from "../disks/error-code.ts";
import { allEnded, throwAfter } from "../endings.ts";
import { scanBatches } from "./batch-scan.ts";
import { emptyFacts, type SegmentFacts } from "./segment-facts.ts";
import { Segment } from "./segment.ts";
import { SparseIndex } from "./sparse-index.ts";
import type { SyncGate } from "../commit/sync-gate.ts";

export interface WrittenGroup {
  readonly batches: readonly EncodedBatch[];
  readonly bytes: number;
  readonly nextOffset: number;
  readonly oldestMs: number;
  readonly newestMs: number;
  /** Whether a producer with an id is among it. */
  readonly producers: boolean;
}

const REWRITE_BYTES = 1024 * 1024;

type Reached = Omit<SegmentFacts, "baseOffset">;

export class SegmentWriter {
  readonly segment: Segment;
  private readonly log: DiskFile;
  private readonly sidecar: DiskFile;
  private readonly syncGate: SyncGate;
  private written: Reached;
  private durable: Reached;
  private synced: Reached;
  private bounded: number;
  private sequence: number;
  private ended = false;
  /** A boundary other than `open` was begun: no `open` one follows. */
  private closing = false;
  /** A full disk refused a sync. */
  private rewriteDue = false;
  private followed = false;
  private logStart: number;
  private syncing: Promise<unknown> = Promise.resolve();
  private bounding: Promise<unknown> = Promise.resolve();

  constructor(options: {
    readonly segment: Segment;
    readonly log: DiskFile;
    readonly sidecar: DiskFile;
    readonly syncGate: SyncGate;
    /** The newest boundary in the sidecar. */
    readonly sequence: number;
    /** The first offset of the log's oldest segment. */
    readonly logStart: number;
  }) {
    this.segment = options.segment;
    this.log = options.log;
    this.sidecar = options.sidecar;
    this.syncGate = options.syncGate;
    this.sequence = options.sequence;
    this.logStart = options.logStart;
    const { bytes, nextOffset, oldestMs, newestMs, producers } = options.segment;
    this.written = { bytes, nextOffset, oldestMs, newestMs, producers };
    this.durable = this.written;
    this.synced = this.written;
    this.bounded = bytes;
  }

  get bytes(): number {
    return this.written.bytes;
  }

  get nextOffset(): number {
    return this.written.nextOffset;
  }

  /** Neither in the segment nor in the journal for good. */
  get hasUndurable(): boolean {
    return this.durable.bytes < this.written.bytes;
  }

  get hasUnsynced(): boolean {
    return this.synced.bytes < this.written.bytes;
  }

  /** How much of the segment is synced or stands in the journal. */
  get durableBytes(): number {
    return this.durable.bytes;
  }

  /** Whether so much of it is synced, and its boundary stands. */
  isHome(bytes: number): boolean {
    return this.synced.bytes >= bytes && this.bounded >= bytes;
  }

  /** What stands in the segment, with what was written last. */
  get reached(): Reached {
    return this.written;
  }

  /** Nothing may be written any more, even if the next segment could not be made. */
  get sealed(): boolean {
    return this.ended;
  }

  get hasUnbounded(): boolean {
    return this.bounded < this.synced.bytes;
  }

  /**
   * Writes the group at the end, with `synced` durably: then nothing before it may lack its sync. What
   * a failure left of it is removed by `cutUnwritten`.
   */
  async write(group: WrittenGroup, synced: boolean): Promise<void> {
    const { bytes, oldestMs, newestMs, producers } = this.written;
    const buffers = group.batches.map((batch) => batch.bytes);
    if (synced) {
      assert(!this.hasUnsynced, "a synced write syncs nothing but itself");
      await this.syncGate.run(() => this.log.writeSynced(buffers, bytes));
    } else await this.log.write(buffers, bytes);
    this.index(group.batches, bytes);
    this.written = {
      bytes: bytes + group.bytes,
      nextOffset: group.nextOffset,
      oldestMs: bytes === 0 ? group.oldestMs : oldestMs,
      newestMs: Math.max(newestMs, group.newestMs),
      producers: producers || group.producers,
    };
    if (synced) this.synced = this.durable = this.written;
  }

  /** What is written stands in the journal. */
  journalled(): void {
    this.durable = this.written;
  }

  /** What was written behind what is durable counts as not written: `cutUnwritten` removes it. */
  takeBack(): void {
    this.written = this.durable;
    // It knows the places of batches that will not be there.
    this.segment.index = undefined;
  }

  /** Removes what a failed `write` left, durably: it must not come back after a power cut. */
  async cutUnwritten(): Promise<void> {
    await this.log.truncate(this.written.bytes);
    await this.syncGate.run(() => this.log.sync());
  }

  /** Lets readers see what is written. */
  publish(): void {
    Object.assign(this.segment, this.written);
  }

  /**
   * Also beside other work, and beside another sync. Where a full disk refuses, what stands in the journal
   * is written once more by the next call, for the kernel may have dropped the pages; where it has, and
   * they cannot be read back, that call throws, and the journal alone has them.
   */
  sync(): Promise<void> {
    return this.syncUpTo(this.written);
  }

  /**
   * Syncs what is durable in the journal, beside a group on its way: that one may be refused yet, and does
   * not count as synced.
   */
  syncJournalled(): Promise<void> {
    return this.syncUpTo(this.durable);
  }

  private async syncUpTo(reached: Reached): Promise<void> {
    const syncing = this.syncGate.run(() => this.syncLog());
    this.syncing = Promise.allSettled([this.syncing, syncing]);
    await syncing;
    if (this.synced.bytes < reached.bytes) this.synced = reached;
    if (this.durable.bytes < reached.bytes) this.durable = reached;
  }

  /**
   * Writes and syncs the boundary of what is synced when its turn comes, one after the other. One that a
   * full disk refused is written to the same slot by the next call: the other slot is all there is till
   * then. Behind one that ends the segment, or the process's work on it, none is written but of its kind.
   */
  bound(state: SegmentState = "open"): Promise<void> {
    this.ended ||= state === "sealed";
    this.closing ||= state !== "open";
    const bounding = this.bounding.then(() => this.writeBoundary(state));
    this.bounding = bounding.catch(() => undefined);
    return bounding;
  }

  /** Tells durably that the next segment was made. Of a segment that has ended. */
  follow(): Promise<void> {
    this.followed = true;
    return this.bound("sealed");
  }

  /**
   * Tells durably, before it is so, that the log begins at this offset: what is missing before it was
   * removed on purpose. In both slots, so that one that is torn or rots takes nothing of it. False where
   * a full disk has no room even for that: the removal makes it.
   */
  async begin(logStart: number): Promise<boolean> {
    this.logStart = logStart;
    const state = this.ended ? "sealed" : "open";
    try {
      await this.bound(state);
      await this.bound(state);
      return true;
    } catch (error) {
      if (!isDiskFull(error)) throw error;
      return false;
    }
  }

  private async syncLog(): Promise<void> {
    try {
      if (this.rewriteDue) await this.rewriteUnsynced();
      await this.log.sync();
      this.rewriteDue = false;
    } catch (error) {
      this.rewriteDue ||= isDiskFull(error);
      throw error;
    }
  }

  private async rewriteUnsynced(): Promise<void> {
    const { synced, durable, log } = this;
    const from = { position: synced.bytes, offset: synced.nextOffset };
    const scan = { from, endPosition: durable.bytes, verify: true, onBatch: () => undefined };
    const { position } = await scanBatches(log, scan);
    if (position < durable.bytes) {
      throw new Error(`bytes ${position} to ${durable.bytes} were lost when the disk was full`);
    }
    for (let at = from.position; at < position; at += REWRITE_BYTES) {
      const bytes = await log.read(at, Math.min(REWRITE_BYTES, position - at));
      await log.write([bytes], at);
    }
  }

  private async writeBoundary(state: SegmentState): Promise<void> {
    if (this.closing && state === "open") return;
    const { synced, followed, logStart } = this;
    const sequence = this.sequence + 1;
    const boundary: GroupBoundary = { ...synced, sequence, state, followed, logStart };
    const bytes = encodeBoundary(boundary);
    await this.syncGate.run(() => this.sidecar.writeSynced([bytes], slotOf(boundary)));
    this.sequence = boundary.sequence;
    this.bounded = synced.bytes;
  }

  async close(): Promise<void> {
    await Promise.all([this.syncing, this.bounding]);
    try {
      await this.log.close();
    } finally {
      await this.sidecar.close();
    }
  }

  private index(batches: readonly EncodedBatch[], start: number): void {
    const { index } = this.segment;
    if (index === undefined) return;
    let position = start;
    for (const batch of batches) {
      index.add({ position, offset: batch.baseOffset, newestMs: batch.newestMs });
      position += batch.bytes.length;
    }
  }
}

/**
 * Makes an empty segment, durable with its name before a byte of a record is written to it. Leftovers
 * of an attempt that failed half-way are written over.
 */
export async function createSegment(
  { disk, syncGate }: { readonly disk: Disk; readonly syncGate: SyncGate },
  directory: string,
  { baseOffset, producers, logStart }: SegmentBeginning,
): Promise<SegmentWriter> {
  const facts = emptyFacts(baseOffset, producers);
  const segment = new Segment(disk, directory, facts);
  segment.index = new SparseIndex();
  const files: DiskFile[] = [];
  try {
    const sidecar = await disk.open(segment.sidecarPath, { create: true });
    files.push(sidecar);
    await initializeSidecar(sidecar, facts, logStart);
    const log = await disk.open(segment.path, { create: true });
    files.push(log);
    // An empty file has nothing to sync but its name. The order of the others is free: until all are
    // durable nobody writes to the segment, and one without a record recovers from any part of them.
    const leftover = (await log.size()) > 0;
    if (leftover) await log.truncate(0);
    await allEnded([
      syncGate.run(() => sidecar.sync()),
      ...(leftover ? [syncGate.run(() => log.sync())] : []),
      disk.syncDirectory(directory),
    ]);
    return new SegmentWriter({ segment, log, sidecar, syncGate, sequence: 0, logStart });
  } catch (error) {
    return await throwAfter(error, allEnded(files.map((file) => file.close())));
  }
}

export interface SegmentBeginning extends Pick<SegmentFacts, "baseOffset" | "producers"> {
  /** The first offset of the log's oldest segment. */
  readonly logStart: number;
}

/** What the segment behind this one begins with, in a log that begins with `oldest`. */
export function followerOf(
  { nextOffset, producers }: Segment,
  { baseOffset: logStart }: Segment,
): SegmentBeginning {
  return { baseOffset: nextOffset, producers, logStart };
}

/** Writes a sidecar of full length whose only boundary is the segment's beginning. */
export async function initializeSidecar(
  sidecar: DiskFile,
  { baseOffset, producers }: SegmentFacts,
  logStart?: number,
): Promise<void> {
  const facts = emptyFacts(baseOffset, producers);
  const first: GroupBoundary = { ...facts, sequence: 0, state: "open", logStart };
  const contents = Buffer.alloc(SIDECAR_BYTES);
  encodeBoundary(first).copy(contents, slotOf(first));
  await sidecar.write([contents], 0);
}

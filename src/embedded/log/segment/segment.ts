/**
 * One segment of a partition: a file of record batches that begins at `baseOffset`, its sidecar of
 * group boundaries, and, where damage was found, a note of it. The names are the base offset in
 * twenty digits, as Kafka has them.
 *
 * This class is the reading side and the segment's facts; `SegmentWriter` moves `bytes`,
 * `nextOffset` and the times on as groups become visible. The file is opened when first read and
 * kept open until `release`; a read that is under way keeps it open until it has finished.
 */

import { join } from "node:path";
import { assert } from "../../../model/assert.ts";
import {
  after,
  BatchWindow,
  findIntactBatch,
  scanBatches,
  type OnBatch,
  type Place,
} from "./batch-scan.ts";
import {
  damagedError,
  DamageFound,
  readDamageNote,
  writeDamageNote,
  type DamagedRange,
} from "./damage.ts";
import { readBatchRun, type BatchRun, type RunLimits } from "./batch-run.ts";
import type { Disk, DiskFile } from "../disk.ts";
import { isTransactional, type BatchHeader } from "../format/batch-decoder.ts";
import { BatchRecords } from "../format/batch-records.ts";
import type { Compacted } from "../format/group-boundary.ts";
import type { LogRecord, ReadRecords } from "../partition-log.ts";
import { segmentName, type SegmentFacts } from "./segment-facts.ts";
import { SparseIndex } from "./sparse-index.ts";

/** From the place that the index names to the record sought, for batches of ordinary size. */
const READ_AHEAD_BYTES = 128 * 1024;
/** Also what is not decided, or was aborted. */
const EVERYTHING: SegmentRead = {
  count: 10_000,
  bytes: READ_AHEAD_BYTES,
  endOffset: Infinity,
  isAborted: () => false,
};
/** Readers of batches that go on without a search, at one time in one segment. */
const RUN_ENDS_MAX = 64;

export interface ReadLimits {
  readonly count: number;
  readonly bytes: number;
}

export interface SegmentRead extends ReadLimits {
  /** Batches that begin here or behind are left out. */
  readonly endOffset: number;
  /** Whether the batch's transaction was aborted: it is left out. */
  readonly isAborted: (batch: BatchHeader) => boolean;
}

export interface RecordTime {
  readonly offset: number;
  readonly timeMs: number;
}

export class Segment {
  readonly baseOffset: number;
  readonly path: string;
  readonly sidecarPath: string;
  readonly damagePath: string;
  /** What readers may see of the file. */
  bytes: number;
  nextOffset: number;
  oldestMs: number;
  newestMs: number;
  producers: boolean;
  /** Undefined until compaction has gone over it. */
  compacted: Compacted | undefined;
  index: SparseIndex | undefined;
  /** Where runs ended, by offset: a reader who goes on need not search. */
  private readonly runEnds = new Map<number, Place>();
  /** A batch of many records, of which a reader has read a part: the next part needs no decompression. */
  private unfinished: { readonly position: number; readonly batch: BatchRecords } | undefined;
  private damaged: readonly DamagedRange[] = [];
  private lossAccepted = false;
  private readonly disk: Disk;
  private file: Promise<DiskFile> | undefined;
  private readers = 0;
  private released = false;

  constructor(disk: Disk, directory: string, facts: SegmentFacts) {
    this.disk = disk;
    this.baseOffset = facts.baseOffset;
    this.bytes = facts.bytes;
    this.nextOffset = facts.nextOffset;
    this.oldestMs = facts.oldestMs;
    this.newestMs = facts.newestMs;
    this.producers = facts.producers;
    const path = join(directory, segmentName(facts.baseOffset));
    this.path = `${path}.log`;
    this.sidecarPath = `${path}.groups`;
    this.damagePath = `${path}.damage`;
  }

  get count(): number {
    return this.nextOffset - this.baseOffset;
  }

  get damagedRanges(): readonly DamagedRange[] {
    return this.damaged;
  }

  /** Of these somebody accepted the loss: reads pass over them, as over what compaction has taken. */
  get lostRanges(): readonly DamagedRange[] {
    return this.lossAccepted ? this.damaged : [];
  }

  /** Nobody begins to read it any more. */
  get isReleased(): boolean {
    return this.released;
  }

  /** Loads what earlier lives found. Returns whether its loss was accepted. */
  async loadDamage(): Promise<boolean> {
    const note = await readDamageNote(this.disk, this.damagePath);
    this.damaged = note.ranges;
    this.lossAccepted = note.accepted;
    return note.accepted;
  }

  /**
   * Records from `offset` on, and where to go on. Throws LOG_DAMAGED at a damaged range that is known and
   * whose loss nobody accepted, and `DamageFound` at one that is not.
   */
  read(offset: number, { count, bytes: bytesMax, ...seen }: SegmentRead): Promise<ReadRecords> {
    return this.withFile(async (file) => {
      await this.buildIndex(file);
      let place = this.placeOf(offset);
      const { bytes: end, nextOffset: endOffset } = this;
      const chunkBytes = READ_AHEAD_BYTES + bytesMax;
      const window = new BatchWindow(file, end, { chunkBytes, endOffset });
      const records: LogRecord[] = [];
      let next = this.gapEnd(offset);
      for (let bytes = 0; place.position < end && place.offset < seen.endOffset;) {
        if (records.length >= count || (bytes > 0 && bytes >= bytesMax)) break;
        const batch = await this.recordsAt(place, window);
        if (batch === undefined) {
          if (next > offset) break;
          throw new DamageFound(place.position, place.offset);
        }
        const { header } = batch;
        if (header.nextOffset > offset) {
          bytes += header.bytes;
          next = header.nextOffset;
          if (!isTransactional(header) || !seen.isAborted(header)) {
            if (batch.packed) await batch.unpack();
            const found = batch.read(offset, count - records.length);
            for (const record of found.records) records.push(record);
            ({ next } = found);
            const finished = next === header.nextOffset;
            this.unfinished = finished ? undefined : { position: place.position, batch };
          }
        }
        place = after(place, header);
      }
      // The batches end before the segment does: nobody would ever get on from here.
      const short = place.position >= end && place.offset <= offset;
      if (short && offset < Math.min(endOffset, seen.endOffset)) {
        throw new DamageFound(place.position, place.offset);
      }
      return { records, next };
    });
  }

  /** Whole batches from the one that holds `offset` on. Throws as `read` does. */
  readRun(offset: number, limits: RunLimits): Promise<BatchRun> {
    return this.withFile(async (file) => {
      await this.buildIndex(file);
      const { bytes: endPosition, nextOffset: endOffset } = this;
      const searched = this.placeOf(offset);
      const from = searched.offset > offset ? searched : (this.runEnds.get(offset) ?? searched);
      const { bytesMax: chunkBytes, take } = limits;
      const window = new BatchWindow(file, endPosition, { chunkBytes, endOffset, take });
      const stretch = { from, offset, endPosition, endOffset };
      const { run, next } = await readBatchRun(window, stretch, limits);
      this.rememberEnd(next);
      return run;
    });
  }

  /** The first record at or behind `from` with this time or a later one. */
  async recordAt({
    timeMs,
    from,
  }: {
    readonly timeMs: number;
    readonly from: number;
  }): Promise<RecordTime | undefined> {
    if (this.newestMs < timeMs) return undefined;
    return this.withFile(async (file) => {
      await this.buildIndex(file);
      const start = this.index?.beforeTime(timeMs)?.offset ?? this.baseOffset;
      for (let offset = Math.max(start, from); offset < this.nextOffset;) {
        const { records, next } = await this.read(offset, EVERYTHING);
        const found = records.find((record) => record.appendedMs >= timeMs);
        if (found !== undefined) return { offset: found.offset, timeMs: found.appendedMs };
        offset = next;
      }
      return undefined;
    });
  }

  /**
   * Holds the file open while `use` runs: also if its name means another file by then, all reads that
   * are under way go on in this one.
   */
  hold<Value>(use: (file: DiskFile) => Promise<Value>): Promise<Value> {
    return this.withFile(use);
  }

  /**
   * Notes what is damaged at the place, or before it, up to the next intact batch. A search that reads
   * headers alone meets the damage behind the header that misled it.
   */
  quarantine(met: Place): Promise<DamagedRange> {
    return this.withFile(async (file) => {
      const place = await this.damageBegins(file, met);
      const known = this.damaged.find((range) => range.position === place.position);
      if (known !== undefined) return known;
      const further = this.damaged.find((range) => range.position > place.position);
      const end = further?.position ?? this.bytes;
      const next = await findIntactBatch(file, place, end);
      const range: DamagedRange = {
        position: place.position,
        nextPosition: next?.position ?? end,
        firstOffset: place.offset,
        nextOffset: next?.offset ?? further?.firstOffset ?? this.nextOffset,
      };
      const ranges = [...this.damaged, range].toSorted((a, b) => a.position - b.position);
      this.damaged = ranges;
      this.lossAccepted = false;
      await writeDamageNote(this.disk, this.damagePath, { ranges, accepted: false });
      return range;
    });
  }

  /** The first batch that is not whole, up to the place where damage was met. */
  private async damageBegins(file: DiskFile, met: Place): Promise<Place> {
    const before = this.damaged.findLast(({ nextPosition }) => nextPosition <= met.position);
    const reached = await scanBatches(file, {
      from: {
        position: before?.nextPosition ?? 0,
        offset: before?.nextOffset ?? this.baseOffset,
      },
      endPosition: this.bytes,
      endOffset: this.nextOffset,
      verify: true,
      onBatch: () => {},
    });
    return reached.position < met.position ? reached : met;
  }

  /** Walks through the batches and around known damage. Throws `DamageFound` at other damage. */
  async scan(options: { readonly verify: boolean; readonly onBatch: OnBatch }): Promise<void> {
    await this.withFile((file) => this.scanFile(file, options));
  }

  /** Closes the file until the next read, unless one is under way. */
  async closeIdle(): Promise<void> {
    if (this.readers > 0 || this.file === undefined) return;
    const { file } = this;
    this.file = undefined;
    this.unfinished = undefined;
    await (await file).close();
  }

  /** The file is no longer needed once the reads that are under way have finished. */
  async release(): Promise<void> {
    this.released = true;
    await this.closeIdle();
  }

  private async scanFile(
    file: DiskFile,
    {
      verify,
      onBatch,
    }: {
      readonly verify: boolean;
      readonly onBatch: OnBatch;
    },
  ): Promise<void> {
    const { bytes: endPosition, nextOffset: endOffset } = this;
    let from: Place = { position: 0, offset: this.baseOffset };
    for (;;) {
      const known = this.damagedAt(from);
      if (known !== undefined) {
        from = { position: known.nextPosition, offset: known.nextOffset };
        continue;
      }
      if (from.position >= endPosition) break;
      const end = this.damaged.find((range) => range.position > from.position)?.position;
      const reached = await scanBatches(file, {
        from,
        endPosition: end ?? endPosition,
        endOffset,
        verify,
        onBatch,
      });
      if (reached.position < (end ?? endPosition)) {
        throw new DamageFound(reached.position, reached.offset);
      }
      from = reached;
    }
    if (from.offset < endOffset) throw new DamageFound(from.position, from.offset);
  }

  /** Known damage that begins here; of what is missing altogether no byte stands there. */
  private damagedAt({ position, offset }: Place): DamagedRange | undefined {
    return this.damaged.find((range) => range.position === position && range.nextOffset > offset);
  }

  /** The batch there, its checksum verified; undefined where none is. */
  private async recordsAt(place: Place, window: BatchWindow): Promise<BatchRecords | undefined> {
    const { unfinished } = this;
    if (unfinished?.position === place.position) return unfinished.batch;
    const found = await window.batchAt(place, true);
    return found && new BatchRecords(found.chunk, found.at, found.header);
  }

  private rememberEnd(place: Place): void {
    this.runEnds.set(place.offset, place);
    if (this.runEnds.size <= RUN_ENDS_MAX) return;
    const [oldest] = this.runEnds.keys();
    this.runEnds.delete(oldest!);
  }

  private async buildIndex(file: DiskFile): Promise<void> {
    if (this.index !== undefined) return;
    const index = new SparseIndex();
    await this.scanFile(file, {
      verify: false,
      onBatch: ({ baseOffset, newestMs }, position) =>
        index.add({ offset: baseOffset, newestMs, position }),
    });
    this.index ??= index;
  }

  /** Where reading goes on from `offset`: behind it only where its loss was accepted. */
  private gapEnd(offset: number): number {
    const gap = this.lostRanges.find((one) => one.firstOffset <= offset && offset < one.nextOffset);
    return gap?.nextOffset ?? offset;
  }

  /** Where to begin reading for `offset`: the nearest known place at or before it, or behind its gap. */
  private placeOf(offset: number): Place {
    const damage = this.damaged.findLast((range) => range.firstOffset <= offset);
    const isLost = damage !== undefined && offset < damage.nextOffset;
    if (isLost && !this.lossAccepted) throw damagedError(this.path, damage);
    const indexed = this.index?.before(offset) ?? { position: 0, offset: this.baseOffset };
    // What is missing altogether takes no bytes: places are told apart by their offsets.
    return damage !== undefined && damage.nextOffset > indexed.offset
      ? { position: damage.nextPosition, offset: damage.nextOffset }
      : indexed;
  }

  private async opened(): Promise<DiskFile> {
    this.file ??= this.disk.open(this.path, {});
    try {
      return await this.file;
    } catch (error) {
      this.file = undefined;
      throw error;
    }
  }

  private async withFile<Value>(use: (file: DiskFile) => Promise<Value>): Promise<Value> {
    assert(
      !this.released || this.readers > 0,
      `segment ${this.path} is not read after its release`,
    );
    this.readers++;
    try {
      return await use(await this.opened());
    } finally {
      this.readers--;
      if (this.released) await this.closeIdle();
    }
  }
}

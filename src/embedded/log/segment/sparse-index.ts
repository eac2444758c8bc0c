/**
 * Where batches stand in one segment: one entry every so many bytes, kept in memory only and rebuilt
 * by reading the segment's batch headers.
 */

const EVERY_BYTES = 32 * 1024;

export interface IndexEntry {
  readonly position: number;
  /** The first offset of the batch at `position`. */
  readonly offset: number;
  /** The newest time of all batches before this one; times need not rise from batch to batch. */
  readonly newestBeforeMs: number;
}

export class SparseIndex {
  private readonly entries: IndexEntry[] = [];
  private newestMs = -1;

  /** Takes every batch, in order, and keeps some. */
  add({
    position,
    offset,
    newestMs,
  }: {
    readonly position: number;
    readonly offset: number;
    readonly newestMs: number;
  }): void {
    const last = this.entries.at(-1);
    if (last === undefined || position - last.position >= EVERY_BYTES) {
      this.entries.push({ position, offset, newestBeforeMs: this.newestMs });
    }
    if (newestMs > this.newestMs) this.newestMs = newestMs;
  }

  /** The last entry at or before `offset`; the segment's start where there is none. */
  before(offset: number): IndexEntry | undefined {
    return this.lastWhere((entry) => entry.offset <= offset);
  }

  /** The last entry before which everything is older than `ms`: the record sought is not before it. */
  beforeTime(ms: number): IndexEntry | undefined {
    return this.lastWhere((entry) => entry.newestBeforeMs < ms);
  }

  private lastWhere(holds: (entry: IndexEntry) => boolean): IndexEntry | undefined {
    let low = 0;
    let high = this.entries.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (holds(this.entries[middle]!)) low = middle + 1;
      else high = middle;
    }
    return this.entries[low - 1];
  }
}

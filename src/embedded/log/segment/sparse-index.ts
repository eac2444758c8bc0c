/**
 * Where batches stand in one segment: one entry every so many bytes, kept in memory only and rebuilt
 * by reading the segment's batch headers.
 */

const EVERY_BYTES = 32 * 1024;

export interface IndexEntry {
  readonly position: number;
  /** The first offset of the batch at `position`. */
  readonly offset: number;
  /** The first time in that batch. */
  readonly ms: number;
}

export class SparseIndex {
  private readonly entries: IndexEntry[] = [];

  /** Takes every batch, in order, and keeps some. */
  add(entry: IndexEntry): void {
    const last = this.entries.at(-1);
    if (last === undefined || entry.position - last.position >= EVERY_BYTES)
      this.entries.push(entry);
  }

  /** The last entry at or before `offset`; the segment's start where there is none. */
  before(offset: number): IndexEntry | undefined {
    return this.lastWhere((entry) => entry.offset <= offset);
  }

  /** The last entry whose batch began before `ms`: the record sought is not before it. */
  beforeTime(ms: number): IndexEntry | undefined {
    return this.lastWhere((entry) => entry.ms < ms);
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

/** When a log is compacted, and how much of it. */

import type { Compaction } from "../../../broker/streams.ts";
import type { Compacted } from "../format/group-boundary.ts";

export interface CompactableSegment {
  readonly bytes: number;
  readonly nextOffset: number;
  readonly count: number;
  readonly oldestMs: number;
  readonly newestMs: number;
  readonly compacted: Compacted | undefined;
  readonly damagedRanges: readonly unknown[];
}

export interface CompactionState {
  /** The last one is being written. */
  readonly segments: readonly CompactableSegment[];
  readonly compaction: Compaction;
  /** Before the first transaction that is open. */
  readonly stableEnd: number;
}

/** As Kafka's `min.cleanable.dirty.ratio`: the part of the log that was not compacted yet. */
const DIRTY_RATIO = 0.5;
export const TOMBSTONE_MS: number = 24 * 60 * 60 * 1000;

/** How many segments, from the oldest on, may be compacted at the moment. Never the last one. */
export function compactableCount(
  { segments, compaction, stableEnd }: CompactionState,
  nowMs: number,
): number {
  const { minLagMs = 0 } = compaction;
  const first = segments.findIndex(
    ({ nextOffset, newestMs }, index) =>
      index === segments.length - 1 || nextOffset > stableEnd || newestMs + minLagMs > nowMs,
  );
  return Math.max(0, first);
}

export function isDirty({ compacted, damagedRanges }: CompactableSegment): boolean {
  return compacted === undefined && damagedRanges.length === 0;
}

/** Whether the segment that is written should end, so that what it replaces goes in time. */
export function endsForCompaction(
  active: CompactableSegment,
  { maxLagMs = Infinity }: Compaction,
  nowMs: number,
): boolean {
  return active.count > 0 && nowMs - active.oldestMs >= maxLagMs;
}

/** From when on compaction has something to do; Infinity where only an append brings that. */
export function compactionDueMs({ segments, compaction, stableEnd }: CompactionState): number {
  const { minLagMs = 0, maxLagMs = Infinity } = compaction;
  const active = segments.at(-1)!;
  let dueMs = active.count > 0 ? active.oldestMs + maxLagMs : Infinity;
  // Beside damage deletions stay: older records of their keys may lie in it.
  const endsDeletions = segments.every(({ damagedRanges }) => damagedRanges.length === 0);
  let bytes = 0;
  let dirtyBytes = 0;
  let compactableMs = -Infinity;
  for (const segment of segments.slice(0, -1)) {
    if (segment.nextOffset > stableEnd) break;
    compactableMs = Math.max(compactableMs, segment.newestMs + minLagMs);
    bytes += segment.bytes;
    const { horizonMs = 0 } = segment.compacted ?? {};
    if (endsDeletions && horizonMs > 0) dueMs = Math.min(dueMs, Math.max(horizonMs, compactableMs));
    if (!isDirty(segment)) continue;
    dirtyBytes += segment.bytes;
    const mustMs = Math.max(segment.oldestMs + maxLagMs, compactableMs);
    dueMs = Math.min(dueMs, dirtyBytes >= bytes * DIRTY_RATIO ? compactableMs : mustMs);
  }
  return dueMs;
}

/** Which segments retention no longer keeps, and how long a segment may grow for it to work. */

import type { Retention } from "../../broker/streams.ts";

export interface RetainedSegment {
  readonly bytes: number;
  readonly count: number;
  readonly oldestMs: number;
  readonly newestMs: number;
}

/**
 * Returns how many segments, from the oldest on, retention no longer keeps.
 *
 * A segment goes when the rest alone is enough, or when its newest record is too old. Never the last
 * one: it is being written, and its name and contents alone remember the next offset.
 */
export function expiredCount(
  segments: readonly RetainedSegment[],
  { retention, nowMs }: { readonly retention: Retention; readonly nowMs: number },
): number {
  const { ageMs, bytes, count } = retention;
  let bytesKept = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  let countKept = segments.reduce((sum, segment) => sum + segment.count, 0);
  let expired = 0;
  for (const segment of segments.slice(0, -1)) {
    bytesKept -= segment.bytes;
    countKept -= segment.count;
    const goes =
      (ageMs !== undefined && nowMs - segment.newestMs > ageMs) ||
      (bytes !== undefined && bytesKept >= bytes) ||
      (count !== undefined && countKept >= count);
    if (!goes) break;
    expired++;
  }
  return expired;
}

/** A limit is kept to within this part of it, because whole segments go. */
const PART = 4;

/**
 * Whether the segment should end so that retention can free it in time: by its size, or as a part of
 * what is kept.
 */
export function outgrown(
  segment: RetainedSegment,
  {
    retention,
    nowMs,
    segmentBytesMax,
  }: { readonly retention: Retention; readonly nowMs: number; readonly segmentBytesMax: number },
): boolean {
  if (segment.count === 0) return false;
  const { ageMs, bytes, count } = retention;
  return (
    segment.bytes >= Math.min(segmentBytesMax, bytes === undefined ? Infinity : bytes / PART) ||
    (count !== undefined && segment.count >= count / PART) ||
    (ageMs !== undefined && nowMs - segment.oldestMs > ageMs / PART)
  );
}

/**
 * The first moment at which age lets a segment go or ends the one that is written; 0 where something
 * is to do already, Infinity where time alone brings nothing.
 */
export function retentionDueMs(
  segments: readonly RetainedSegment[],
  {
    retention,
    segmentBytesMax,
  }: { readonly retention: Retention; readonly segmentBytesMax: number },
): number {
  const rules = { retention, nowMs: 0, segmentBytesMax };
  const oldest = segments[0]!;
  const active = segments.at(-1)!;
  if (expiredCount(segments, rules) > 0 || outgrown(active, rules)) return 0;
  const { ageMs = Infinity } = retention;
  const goesMs = oldest === active ? Infinity : oldest.newestMs + ageMs;
  const endsMs = active.count === 0 ? Infinity : active.oldestMs + ageMs / PART;
  return Math.floor(Math.min(goesMs, endsMs)) + 1;
}

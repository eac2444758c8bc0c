/**
 * Progress of one consumer on one input, as every store keeps it: a position and the finished
 * offsets above it, and per source lane the highest sequence taken in and the holes below it that
 * are still open.
 *
 * Why both. Keys run in parallel, so messages finish out of order: the position alone would either
 * skip or repeat. And a source that crashes between publishing and noting it publishes again, at new
 * offsets: offsets alone would count that twice. Pure functions, so that every store agrees.
 *
 * Both are bounded: past `STORE_LIMITS.rangesMax` ranges or holes a commit is refused, because one
 * message that never finishes would otherwise grow them, and every commit, without end.
 */

import { MillraceError } from "../model/errors.ts";
import { STORE_LIMITS } from "./limits.ts";
import type { InboxMark, OffsetRange } from "./write-set.ts";

export interface Progress {
  /** Every offset below it is finished. */
  readonly position: number;
  /** Finished offsets above the position: disjoint, ascending, not adjacent. */
  readonly above: readonly OffsetRange[];
}

/** The inbox's memory of one (source, epoch, lane). */
export interface LaneProgress {
  /** The highest sequence taken in; -1 before the first. */
  readonly high: number;
  /** Sequences below `high` that were read and are not finished; ascending. */
  readonly holes: readonly number[];
}

export const NO_PROGRESS: Progress = { position: 0, above: [] };
export const NO_LANE_PROGRESS: LaneProgress = { high: -1, holes: [] };

/**
 * The progress after `offsets` and the whole of `gaps` (both in any order, repeats allowed) are
 * finished as well. Throws TOO_LARGE past the bound.
 */
export function finishOffsets(
  progress: Progress,
  offsets: readonly number[],
  gaps: readonly OffsetRange[] = [],
): Progress {
  const added = [...gaps, ...offsets.map((offset) => ({ from: offset, to: offset + 1 }))];
  if (added.length === 0) return progress;
  const ranges = [...progress.above, ...added].toSorted((a, b) => a.from - b.from);
  let position = progress.position;
  const above: { from: number; to: number }[] = [];
  for (const range of ranges) {
    const last = above.at(-1);
    if (range.from <= position) position = Math.max(position, range.to);
    else if (last !== undefined && range.from <= last.to) last.to = Math.max(last.to, range.to);
    else if (range.from < range.to) above.push({ ...range });
  }
  refuseBeyond(above.length, `finished ranges above offset ${position}, which is not finished`);
  return { position, above };
}

export function isFinished({ position, above }: Progress, offset: number): boolean {
  if (offset < position) return true;
  const range = above[lastIndexAtMost(above.length, (index) => above[index]!.from, offset)];
  return range !== undefined && offset < range.to;
}

/** Whether a message of this lane was finished before, at whatever offset it comes now. */
export function isTaken({ high, holes }: LaneProgress, sequence: number): boolean {
  if (sequence > high) return false;
  return holes[lastIndexAtMost(holes.length, (index) => holes[index]!, sequence)] !== sequence;
}

/**
 * The lane's progress after a commit that finished `finished` while `open` were read but not
 * finished. Sequences between that were never seen belong to other inputs: a lane may feed several.
 * Throws TOO_LARGE past the bound.
 */
export function advanceLane(
  lane: LaneProgress,
  finished: readonly number[],
  open: readonly number[],
): LaneProgress {
  const done = new Set(finished);
  const high = finished.reduce((highest, sequence) => Math.max(highest, sequence), lane.high);
  const holes = new Set(lane.holes.filter((sequence) => !done.has(sequence)));
  for (const sequence of open) {
    if (sequence < high && !done.has(sequence) && !isTaken(lane, sequence)) holes.add(sequence);
  }
  refuseBeyond(holes.size, `open sequences below ${high}`);
  return { high, holes: [...holes].toSorted((a, b) => a - b) };
}

/** Text by which a lane is found in a store. */
export function laneKey(mark: Omit<InboxMark, "sequence">): string {
  return JSON.stringify([mark.source, mark.epoch, mark.lane]);
}

function refuseBeyond(count: number, what: string): void {
  if (count <= STORE_LIMITS.rangesMax) return;
  throw new MillraceError(
    "TOO_LARGE",
    `an input has ${count} ${what}, over the limit of ${STORE_LIMITS.rangesMax}; pause the input ` +
      `until the oldest message is finished or parked`,
  );
}

/** Index of the last of `length` ascending values that is at most `limit`; -1 where there is none. */
function lastIndexAtMost(length: number, at: (index: number) => number, limit: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at(middle) <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * Progress of one consumer on one input, as every store keeps it: a position and the finished
 * offsets above it, and per source lane the highest sequence taken in and the holes below it that
 * are still open.
 *
 * Why both. Keys run in parallel, so messages finish out of order: the position alone would either
 * skip or repeat. And a source that crashes between publishing and noting it publishes again, at new
 * offsets: offsets alone would count that twice. Pure functions, so that every store agrees.
 */

import type { InboxMark } from "./write-set.ts";

/** Finished offsets above the position: disjoint, ascending, not adjacent; `to` is exclusive. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

export interface Progress {
  /** Every offset below it is finished. */
  readonly position: number;
  readonly above: readonly OffsetRange[];
}

/** The inbox's memory of one (source, epoch, lane). */
export interface LaneProgress {
  /** The highest sequence taken in; -1 before the first. */
  readonly high: number;
  /** Sequences below `high` that were taken in and are not finished; ascending. */
  readonly holes: readonly number[];
}

export const NO_LANE_PROGRESS: LaneProgress = { high: -1, holes: [] };

/** The progress after `offsets` (in any order, repeats allowed) are finished as well. */
export function finishOffsets(progress: Progress, offsets: readonly number[]): Progress {
  const points = offsets
    .filter((offset) => offset >= progress.position)
    .map((offset) => ({ from: offset, to: offset + 1 }));
  const ranges = [...progress.above, ...points].toSorted((a, b) => a.from - b.from);
  let position = progress.position;
  const above: { from: number; to: number }[] = [];
  for (const range of ranges) {
    const last = above.at(-1);
    if (range.from <= position) position = Math.max(position, range.to);
    else if (last !== undefined && range.from <= last.to) last.to = Math.max(last.to, range.to);
    else above.push({ ...range });
  }
  return { position, above };
}

export function isFinished(progress: Progress, offset: number): boolean {
  return (
    offset < progress.position ||
    progress.above.some((range) => range.from <= offset && offset < range.to)
  );
}

/** Whether a message of this lane was finished before, at whatever offset it comes now. */
export function isTaken(lane: LaneProgress, sequence: number): boolean {
  return sequence <= lane.high && !lane.holes.includes(sequence);
}

/**
 * The lane's progress after a commit that finished `finished` while `open` were read but not
 * finished. Sequences between that were never seen belong to other inputs: a lane may feed several.
 */
export function advanceLane(
  lane: LaneProgress,
  finished: readonly number[],
  open: readonly number[],
): LaneProgress {
  const done = new Set(finished);
  const high = Math.max(lane.high, ...finished);
  const holes = new Set(lane.holes.filter((sequence) => !done.has(sequence)));
  for (const sequence of open) {
    if (sequence < high && !done.has(sequence) && !isTaken(lane, sequence)) holes.add(sequence);
  }
  return { high, holes: [...holes].toSorted((a, b) => a - b) };
}

/** Text by which a lane is found in a store. */
export function laneKey(mark: InboxMark): string {
  return JSON.stringify([mark.source, mark.epoch, mark.lane]);
}

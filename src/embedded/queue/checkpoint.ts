/**
 * A checkpoint: everything that a queue's log says up to one offset, so that recovery need not read
 * what lies before. It is cut into parts of bounded size, which stand one after another in the log.
 */

import type { QueueEntry } from "../../broker/queue-state.ts";
import type { SendMark } from "./send-marks.ts";

export type LivingFacts = readonly [
  sequence: number,
  location: number,
  sentMs: number,
  attempts: number,
  readyMs: number,
  leased: 0 | 1,
  lane: string | null,
];

export type DeadFacts = readonly [
  sequence: number,
  location: number,
  sentMs: number,
  attempts: number,
  deadMs: number,
  code: string,
  text: string,
  lane: string | null,
];

/** What the log says beside the entries. */
export interface Backlog {
  /** Messages from this offset on wait in the log only, but for `skip`. */
  readonly cursor: number;
  readonly heldBack: number;
  /** Messages from the cursor on that are not held back: they are in the state, or gone. */
  readonly skip: readonly number[];
  readonly marks: readonly SendMark[];
}

export interface CheckpointPart {
  readonly living: readonly LivingFacts[];
  /** In the order of death. */
  readonly dead: readonly DeadFacts[];
  /** In the last part only. */
  readonly backlog?: Backlog;
}

const PART_COUNT = 2_000;

/** Nothing happened to it but its sending: its record is all there is to know. */
export function isUntouched({ status, attempts, location, sequence }: QueueEntry): boolean {
  return status === "waiting" && attempts === 0 && location === sequence;
}

/**
 * The backlog with the cursor moved back over messages in memory that are untouched, so that neither
 * the checkpoint nor recovery need tell of each of them. `sequences` are theirs, ascending, all before
 * the cursor. Other offsets that are passed are listed in `skip`; the cursor goes to where most is
 * saved by that.
 */
export function withUntouched(backlog: Backlog, sequences: readonly number[]): Backlog {
  const { cursor } = backlog;
  let best = { from: sequences.length, saved: 0 };
  for (let from = sequences.length - 1; from >= 0; from--) {
    const held = sequences.length - from;
    const skipped = cursor - sequences[from]! - held;
    // Saving more than all of them is out of reach.
    if (skipped > sequences.length) break;
    if (held - skipped > best.saved) best = { from, saved: held - skipped };
  }
  const held = sequences.slice(best.from);
  const [first] = held;
  if (first === undefined) return backlog;
  const skip: number[] = [];
  let index = 0;
  for (let offset = first; offset < cursor; offset++) {
    if (held[index] === offset) index++;
    else skip.push(offset);
  }
  return {
    ...backlog,
    cursor: first,
    heldBack: backlog.heldBack + held.length,
    skip: [...skip, ...backlog.skip],
  };
}

export function livingFacts(entry: QueueEntry): LivingFacts {
  const { sequence, location, sentMs, attempts, readyMs, status, lane = null } = entry;
  return [sequence, location, sentMs, attempts, readyMs, status === "leased" ? 1 : 0, lane];
}

export function deadFacts(entry: QueueEntry): DeadFacts {
  const { sequence, location, sentMs, attempts, deadMs, cause, lane = null } = entry;
  return [
    sequence,
    location,
    sentMs,
    attempts,
    deadMs,
    cause?.code ?? "",
    cause?.message ?? "",
    lane,
  ];
}

export function checkpointParts(
  living: readonly LivingFacts[],
  dead: readonly DeadFacts[],
  backlog: Backlog,
): CheckpointPart[] {
  const parts: CheckpointPart[] = [];
  for (let from = 0; from < living.length; from += PART_COUNT) {
    parts.push({ living: living.slice(from, from + PART_COUNT), dead: [] });
  }
  // Causes may be long: 200 of 2,000 letters stay below the limit of a record.
  for (let from = 0; from < dead.length; from += PART_COUNT / 10) {
    parts.push({ living: [], dead: dead.slice(from, from + PART_COUNT / 10) });
  }
  parts.push({ living: [], dead: [], backlog });
  return parts;
}

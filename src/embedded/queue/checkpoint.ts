/**
 * A checkpoint: everything that a queue's log says up to one offset, so that recovery need not read
 * what lies before. It is cut into parts of bounded size, which stand in the log in their order; where
 * they are many, other records may stand between them, which tell what happened after the checkpoint.
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
  /** What the backlog's `skip` has no room for; parts that have it come before the last. */
  readonly skip?: readonly number[];
  /** In the last part only. */
  readonly backlog?: Backlog;
}

/** Living entries of one part. */
const LIVING_COUNT = 2_000;
/** Dead letters of one part: causes may be long. */
const DEAD_COUNT = 200;
const SKIP_COUNT = 50_000;
/** Of keys in one part, and of causes: a letter may take six bytes, so a part stays below 3 MiB. */
const PART_LETTERS = 256 * 1024;

/** Nothing happened to it but its sending: its record is all there is to know. */
function isUntouched({ status, attempts, location, sequence }: QueueEntry): boolean {
  return status === "waiting" && attempts === 0 && location === sequence;
}

/**
 * Those of the living that need not be told. One that was redriven is like one never touched; but where a
 * later message of its key is told, recovery would know that one alone and give it out first, so the
 * redriven one is told, too.
 */
export function untouchedOf(
  living: readonly QueueEntry[],
  dead: readonly QueueEntry[],
): readonly QueueEntry[] {
  const lastTold = new Map<string, number>();
  for (const entry of [...living, ...dead]) {
    const { lane, sequence } = entry;
    if (lane === undefined || isUntouched(entry)) continue;
    lastTold.set(lane, Math.max(sequence, lastTold.get(lane) ?? -1));
  }
  return living.filter((entry) => {
    if (!isUntouched(entry)) return false;
    return entry.lane === undefined || entry.sequence > (lastTold.get(entry.lane) ?? -1);
  });
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

/** Each part is a record that fits into one append. */
export function checkpointParts(
  living: readonly LivingFacts[],
  dead: readonly DeadFacts[],
  backlog: Backlog,
): CheckpointPart[] {
  const parts: CheckpointPart[] = [];
  const lettersOfLiving = ([, , , , , , lane]: LivingFacts): number => lane?.length ?? 0;
  for (const each of cut(living, LIVING_COUNT, lettersOfLiving)) {
    parts.push({ living: each, dead: [] });
  }
  const lettersOfDead = ([, , , , , code, text, lane]: DeadFacts): number =>
    code.length + text.length + (lane?.length ?? 0);
  for (const each of cut(dead, DEAD_COUNT, lettersOfDead)) parts.push({ living: [], dead: each });
  const { skip } = backlog;
  for (let from = SKIP_COUNT; from < skip.length; from += SKIP_COUNT) {
    parts.push({ living: [], dead: [], skip: skip.slice(from, from + SKIP_COUNT) });
  }
  parts.push({ living: [], dead: [], backlog: { ...backlog, skip: skip.slice(0, SKIP_COUNT) } });
  return parts;
}

function* cut<Facts>(
  all: readonly Facts[],
  countMax: number,
  lettersOf: (facts: Facts) => number,
): Generator<readonly Facts[]> {
  for (let from = 0; from < all.length;) {
    let to = from;
    let letters = 0;
    while (to < all.length && to - from < countMax && letters < PART_LETTERS) {
      letters += lettersOf(all[to++]!);
    }
    yield all.slice(from, to);
    from = to;
  }
}

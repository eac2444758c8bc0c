/**
 * The inbox at work on one batch: which incoming messages were settled before, and what a store must
 * remember after the commit. Pure bookkeeping over what the store has kept; every store uses it, so
 * that none counts differently.
 *
 * A message is known by its offset, and beside that by its place in its source's lane or, where a
 * stranger gave none, by its id. A timer is known by itself: it was settled once it is not in the store
 * any more. All questions are answered from the state before the batch and the
 * exact messages settled within it: were a lane advanced set by set, a set with an earlier sequence
 * would look taken behind one with a later.
 */

import { advanceLane, finishOffsets, isFinished, isTaken, laneKey } from "./progress.ts";
import type { LaneProgress, Progress } from "./progress.ts";
import type { TimersAhead } from "./timers-ahead.ts";
import type { BatchInput, InboxMark, Incoming } from "./write-set.ts";

/** A write set, as far as the inbox looks at it. */
export interface SettlingSet {
  readonly key: string;
  readonly finishes: readonly Incoming[];
  readonly documents?: { readonly length: number };
  readonly events?: { readonly length: number };
  readonly timers?: { readonly length: number };
  readonly effects?: { readonly length: number };
  readonly outgoing?: { readonly length: number };
  readonly park?: { readonly length: number };
  readonly unpark?: { readonly length: number };
  readonly repark?: { readonly length: number };
}

/** What a store has kept of one consumer's input. */
export interface InboxState {
  readonly progress: Progress;
  /** By `laneKey`. */
  laneProgress(key: string): LaneProgress;
  /** Whether a stranger's id falls into the window. */
  hasSeen(id: string): boolean;
}

/** What a store has to keep after the batch. */
export interface InboxChange {
  readonly progress: Progress;
  readonly lanes: ReadonlyMap<string, LaneProgress>;
  /** Ids of strangers that are new to the window. */
  readonly ids: readonly string[];
}

interface LaneWork {
  readonly key: string;
  readonly mark: InboxMark;
  readonly before: LaneProgress;
  readonly finished: Set<number>;
  readonly open: number[];
}

export class BatchInbox {
  readonly #state: InboxState;
  readonly #timers: TimersAhead;
  readonly #offsets = new Set<number>();
  readonly #lanes = new Map<string, LaneWork>();
  readonly #ids = new Set<string>();
  #lastLane: LaneWork | undefined;

  constructor(state: InboxState, timers: TimersAhead) {
    this.#state = state;
    this.#timers = timers;
  }

  /** The messages of this set that were settled before it. Empty for a set that only settles. */
  repeatsOf(set: SettlingSet): readonly Incoming[] {
    return hasEffects(set) ? set.finishes.filter((incoming) => this.#isSettled(incoming)) : [];
  }

  finish(messages: readonly Incoming[]): void {
    for (const { timer, offset, mark, id } of messages) {
      if (timer !== undefined) {
        this.#timers.settle(timer, id);
        continue;
      }
      if (offset !== undefined) this.#offsets.add(offset);
      if (mark !== undefined) this.#lane(mark).finished.add(mark.sequence);
      else if (!this.#state.hasSeen(id)) this.#ids.add(id);
    }
  }

  /** Messages that were read and stay to be done. */
  keepOpen(messages: readonly Incoming[]): void {
    for (const { mark } of messages) {
      if (mark !== undefined) this.#lane(mark).open.push(mark.sequence);
    }
  }

  /** Throws TOO_LARGE where too much stays open. */
  change(gaps: BatchInput["gaps"]): InboxChange {
    return {
      progress: finishOffsets(this.#state.progress, [...this.#offsets], gaps),
      lanes: new Map(
        [...this.#lanes.values()].map(({ key, before, finished, open }) => [
          key,
          advanceLane(before, [...finished], open),
        ]),
      ),
      ids: [...this.#ids],
    };
  }

  #isSettled({ timer, offset, mark, id }: Incoming): boolean {
    if (timer !== undefined) return !this.#timers.has(timer, id);
    if (offset !== undefined) {
      if (this.#offsets.has(offset) || isFinished(this.#state.progress, offset)) return true;
    }
    if (mark === undefined) return this.#ids.has(id) || this.#state.hasSeen(id);
    const lane = this.#lane(mark);
    return lane.finished.has(mark.sequence) || isTaken(lane.before, mark.sequence);
  }

  /** Most messages of a batch come from one lane, so the last one found is tried first. */
  #lane(mark: InboxMark): LaneWork {
    const last = this.#lastLane;
    if (last !== undefined && isSameLane(last.mark, mark)) return last;
    const key = laneKey(mark);
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      const before = this.#state.laneProgress(key);
      lane = { key, mark, before, finished: new Set(), open: [] };
      this.#lanes.set(key, lane);
    }
    this.#lastLane = lane;
    return lane;
  }
}

function isSameLane(a: InboxMark, b: InboxMark): boolean {
  return a.lane === b.lane && a.epoch === b.epoch && a.source === b.source;
}

function hasEffects(set: SettlingSet): boolean {
  const { documents, events, timers, effects, outgoing, park, unpark, repark } = set;
  return [documents, events, timers, effects, outgoing, park, unpark, repark].some(
    (writes) => writes !== undefined && writes.length > 0,
  );
}

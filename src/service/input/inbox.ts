/**
 * What an input remembers of the messages it took, so that each counts once (law 6).
 *
 * A message is known by its place in its source's lane or, where a stranger gave none, by its id.
 * Three things can be true of one that arrives: it is new; it was settled before; or it is being
 * worked on right now, and then this copy must be settled together with the first one, because
 * noting the copy alone would make a restart believe that the first was done.
 *
 * The lane part stands on an order that relays keep: the first copies of a lane's messages arrive
 * ascending, so what is not above the highest, not open and not in flight was settled.
 */

import { laneKey, type LaneProgress } from "../../store/progress.ts";
import type { InboxMark, Incoming } from "../../store/write-set.ts";
import type { Arrival } from "./arrival.ts";

export type Admission =
  | { readonly status: "new" }
  | { readonly status: "settled" }
  | { readonly status: "in-flight"; readonly first: Arrival };

interface Lane {
  high: number;
  /** Below `high`, read by a former run and not finished. */
  readonly holes: Set<number>;
  readonly inFlight: Map<number, Arrival>;
}

const NEW: Admission = { status: "new" };
const SETTLED: Admission = { status: "settled" };

export class Inbox {
  readonly #lanes = new Map<string, Lane>();
  readonly #ids = new Map<string, Arrival>();
  /** Most messages of a batch come from one lane. */
  #last: { readonly mark: InboxMark; readonly lane: Lane } | undefined;

  constructor(lanes: ReadonlyMap<string, LaneProgress>) {
    for (const [key, { high, holes }] of lanes) {
      this.#lanes.set(key, { high, holes: new Set(holes), inFlight: new Map() });
    }
  }

  /** `isSeen` answers for strangers: whether the store's id window holds the id. */
  admit(arrival: Arrival, isSeen: (id: string) => boolean): Admission {
    const { mark, id } = arrival.incoming;
    if (mark === undefined) {
      const first = this.#ids.get(id);
      if (first !== undefined) return { status: "in-flight", first };
      if (isSeen(id)) return SETTLED;
      this.#ids.set(id, arrival);
      return NEW;
    }
    const lane = this.#lane(mark);
    const first = lane.inFlight.get(mark.sequence);
    if (first !== undefined) return { status: "in-flight", first };
    if (mark.sequence <= lane.high && !lane.holes.has(mark.sequence)) return SETTLED;
    lane.high = Math.max(lane.high, mark.sequence);
    lane.inFlight.set(mark.sequence, arrival);
    return NEW;
  }

  /** Nobody here handles the message at this place; what the lane has before it came before. */
  pass(mark: InboxMark): void {
    const lane = this.#lane(mark);
    lane.high = Math.max(lane.high, mark.sequence);
  }

  /** Whether the message at this place was settled. */
  hasSettled(mark: InboxMark): boolean {
    const lane = this.#lanes.get(laneKey(mark));
    if (lane === undefined || mark.sequence > lane.high) return false;
    return !lane.holes.has(mark.sequence) && !lane.inFlight.has(mark.sequence);
  }

  /** The message is settled, durably. */
  finish({ mark, id }: Incoming): void {
    if (mark === undefined) {
      this.#ids.delete(id);
      return;
    }
    const lane = this.#lane(mark);
    lane.inFlight.delete(mark.sequence);
    lane.holes.delete(mark.sequence);
  }

  /** The message left without being settled, and will come again (a released lease). */
  forget({ mark, id }: Incoming): void {
    if (mark === undefined) this.#ids.delete(id);
    else this.#lane(mark).inFlight.delete(mark.sequence);
  }

  #lane(mark: InboxMark): Lane {
    const last = this.#last;
    if (
      last !== undefined &&
      last.mark.lane === mark.lane &&
      last.mark.source === mark.source &&
      last.mark.epoch === mark.epoch
    ) {
      return last.lane;
    }
    const key = laneKey(mark);
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { high: -1, holes: new Set(), inFlight: new Map() };
      this.#lanes.set(key, lane);
    }
    this.#last = { mark, lane };
    return lane;
  }
}

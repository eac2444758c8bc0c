/**
 * The order of keys: one key at a time, keys in parallel (law 2), as a state machine without I/O.
 *
 * A lane is one key's line. It holds `rows`, parked messages that were loaded to be worked off, and
 * `waiting`, messages that arrived. Rows are older than what waits, so they go first. A lane is
 *
 * - **ready**: it has something to give and nothing of it is out; `take` gives it as a unit;
 * - **busy**: a unit is out; `done` brings it back with what was left of it;
 * - **resting**: its head failed and is tried again later; `wake` makes it ready;
 * - **condemned**: its head failed for good; the next unit parks the head with its cause and all that
 *   waits behind it without one;
 * - **parked**: the store has rows of the key. What arrives becomes a row too, in a unit of its own
 *   that may be out while rows are being worked off, so the order is always rows, then arrivals.
 *
 * A lane that is none of this and empty is forgotten.
 */

import { assert } from "../../model/assert.ts";
import type { ParkCause } from "../../store/write-set.ts";
import type { Arrival } from "./arrival.ts";

export type Unit =
  /** Messages to be handled, in order. */
  | { readonly kind: "work"; readonly key: string; readonly arrivals: readonly Arrival[] }
  /** A message that could not be decoded. */
  | { readonly kind: "unreadable"; readonly key: string; readonly arrivals: readonly [Arrival] }
  /** Messages that become rows: with a cause the first failed, without one all wait. */
  | {
      readonly kind: "park";
      readonly key: string;
      readonly arrivals: readonly Arrival[];
      readonly cause?: ParkCause;
    }
  /** A row that failed again. */
  | {
      readonly kind: "repark";
      readonly key: string;
      readonly arrivals: readonly [Arrival];
      readonly cause: ParkCause;
    };

interface Lane {
  readonly key: string;
  rows: readonly Arrival[];
  waiting: Arrival[];
  busy: boolean;
  /** A unit of waiting messages that become rows is out. */
  parking: boolean;
  resting: boolean;
  condemned: ParkCause | undefined;
  /** Rows in the store, with those of the parking unit that is out. */
  parked: number;
  /** How many messages the next unit may hold. */
  unitMax: number;
  /** The moment, in units given and taken back, of the last change to how many rows it has. */
  changed: number;
  /** The moment of the last change to its rows but by such as join the end. */
  rowsChanged: number;
}

/** Messages that one unit holds at most. */
const UNIT_MAX = 1024;

export class KeyLanes {
  readonly #lanes = new Map<string, Lane>();
  /** Lanes that may have something to give, in the order in which they came to it. */
  readonly #ready = new Set<Lane>();
  /** Lanes for which the store's last answer could not be taken over whole. */
  readonly #leftOut = new Set<Lane>();
  readonly #parkedMax: number;
  #parked = 0;
  #moment = 0;

  /** `parkedMax` bounds the rows in the store. */
  constructor(parkedMax: number) {
    this.#parkedMax = parkedMax;
  }

  /** Rows in the store, over all keys. */
  get parked(): number {
    return this.#parked;
  }

  /** Rows in the store, of one key. */
  parkedOf(key: string): number {
    return this.#lanes.get(key)?.parked ?? 0;
  }

  /** Whether rows are loaded or being worked off. */
  get draining(): boolean {
    if (this.#parked === 0) return false;
    for (const lane of this.#lanes.values()) {
      if (lane.parked > 0 && (lane.rows.length > 0 || lane.busy)) return true;
    }
    return false;
  }

  /** Whether no further message may become a row. */
  get full(): boolean {
    return this.#parked >= this.#parkedMax;
  }

  /** Whether a key that `setParked` left out has come to rest, so that asking again would tell. */
  get outdated(): boolean {
    for (const lane of this.#leftOut) if (!lane.busy && !lane.parking) return true;
    return false;
  }

  /** Grows with every unit given or taken back: what the store said before it may be outdated. */
  get moment(): number {
    return this.#moment;
  }

  add(arrival: Arrival): void {
    const lane = this.#lane(arrival.key);
    lane.waiting.push(arrival);
    this.#ready.add(lane);
  }

  /** Takes the oldest unit that is ready; with `rowsOnly` only such as make parked rows fewer, with `one` of one message. */
  take(options: { readonly rowsOnly?: boolean; readonly one?: boolean } = {}): Unit | undefined {
    for (const lane of this.#ready) {
      const max = options.one === true ? 1 : lane.unitMax;
      const unit = this.#next(lane, options.rowsOnly === true, max);
      if (unit !== undefined) {
        if (!this.#hasMore(lane)) this.#ready.delete(lane);
        return unit;
      }
      if (!this.#hasMore(lane)) this.#ready.delete(lane);
    }
    return undefined;
  }

  /** Takes the head of one key alone, to see whether it goes now. */
  takeHead(key: string): Unit | undefined {
    const lane = this.#lanes.get(key);
    return lane && this.#next(lane, false, 1);
  }

  /** The unit is over. `left` goes back to where it was taken from, and is given again later. */
  done(unit: Unit, left: readonly Arrival[] = []): void {
    const lane = this.#lanes.get(unit.key);
    assert(lane !== undefined, "a unit's lane lives as long as the unit is out");
    this.#touch(lane, unit.kind);
    const settled = unit.arrivals.length - left.length;
    if (settled > 0) lane.unitMax = UNIT_MAX;
    if (unit.kind === "park") {
      lane.parking = false;
      if (unit.cause !== undefined) lane.busy = false;
      this.#count(lane, -left.length);
      lane.waiting = [...left, ...lane.waiting];
    } else {
      assert(lane.busy, "a unit that is out keeps its lane busy");
      lane.busy = false;
      if (unit.kind === "repark") {
        // The row stays in the store, at its place; the others of its key wait behind it again.
        if (left.length === 0) lane.rows = [];
      } else if (unit.arrivals[0]?.row !== undefined) {
        this.#count(lane, -settled);
        lane.rows = [...left, ...lane.rows];
      } else {
        lane.waiting = left.length === 0 ? lane.waiting : [...left, ...lane.waiting];
      }
    }
    if (unit.kind === "repark" && left.length > 0) {
      lane.rows = [...left, ...lane.rows];
      lane.condemned = unit.cause;
    }
    if (unit.kind === "park" && unit.cause !== undefined && left.length > 0) {
      lane.condemned = unit.cause;
    }
    this.#refresh(lane);
  }

  /** The head shall be tried again, but not before `wake`. */
  rest(key: string): void {
    this.#lane(key).resting = true;
  }

  wake(key: string): void {
    const lane = this.#lanes.get(key);
    if (lane === undefined) return;
    lane.resting = false;
    this.#refresh(lane);
  }

  /** The head failed for good: it parks, and what waits parks behind it. */
  condemn(key: string, cause: ParkCause): void {
    const lane = this.#lane(key);
    lane.condemned = cause;
    this.#refresh(lane);
  }

  /** The next messages of the key are given one by one, until one is settled. */
  giveOneByOne(key: string): void {
    this.#lane(key).unitMax = 1;
  }

  /** Forgets loaded rows, because the store no longer has them as they were. */
  dropRows(key: string): void {
    const lane = this.#lane(key);
    lane.rows = [];
    lane.condemned = undefined;
    this.#refresh(lane);
  }

  /**
   * Takes over what the store said at `moment`: how many rows it has of each key, and rows that shall
   * be worked off, in order. Returns false if something of it was left out, because units of the key
   * moved since or are out; `outdated` tells when to ask again.
   */
  setParked(
    moment: number,
    rowsByKey: ReadonlyMap<string, number>,
    redriven: ReadonlyMap<string, readonly Arrival[]>,
  ): boolean {
    this.#leftOut.clear();
    const parked = [...this.#lanes.values()].filter((lane) => lane.parked > 0);
    for (const key of new Set([...rowsByKey.keys(), ...parked.map((lane) => lane.key)])) {
      const lane = this.#lane(key);
      const counted = !lane.parking && lane.changed <= moment && !(lane.busy && lane.parked > 0);
      if (counted) this.#count(lane, (rowsByKey.get(key) ?? 0) - lane.parked);
      else this.#leftOut.add(lane);
      if (lane.parked === 0) lane.rows = [];
      else if (!lane.busy && lane.rows.length === 0 && lane.rowsChanged <= moment) {
        // Also while arrivals of the key become rows: they join the end.
        lane.rows = redriven.get(key) ?? [];
      }
      this.#refresh(lane);
    }
    return this.#leftOut.size === 0;
  }

  /** Takes out everything that waits and is not out, for an input that ends. */
  clear(): readonly Arrival[] {
    const left = [...this.#lanes.values()].flatMap((lane) => lane.waiting.splice(0));
    this.#ready.clear();
    return left;
  }

  #lane(key: string): Lane {
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = {
        key,
        rows: [],
        waiting: [],
        busy: false,
        parking: false,
        resting: false,
        condemned: undefined,
        parked: 0,
        unitMax: UNIT_MAX,
        changed: 0,
        rowsChanged: 0,
      };
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  #next(lane: Lane, rowsOnly: boolean, max: number): Unit | undefined {
    const { key } = lane;
    if (!rowsOnly && lane.parked > 0 && lane.waiting.length > 0 && !lane.parking && !this.full) {
      return this.#park(lane);
    }
    if (lane.busy || lane.resting) return undefined;
    const [row] = lane.rows;
    if (lane.condemned !== undefined) {
      const cause = lane.condemned;
      if (row !== undefined) {
        lane.condemned = undefined;
        lane.busy = true;
        this.#touch(lane, "repark");
        lane.rows = lane.rows.slice(1);
        return { kind: "repark", key, arrivals: [row], cause };
      }
      if (rowsOnly || lane.waiting.length === 0 || this.full) return undefined;
      lane.condemned = undefined;
      lane.busy = true;
      return this.#park(lane, cause);
    }
    if (row !== undefined) return this.#work(lane, "rows", max);
    if (rowsOnly || lane.parked > 0 || lane.waiting.length === 0) return undefined;
    return this.#work(lane, "waiting", max);
  }

  #work(lane: Lane, from: "rows" | "waiting", max: number): Unit {
    const { key } = lane;
    const line = lane[from];
    lane.busy = true;
    this.#touch(lane, "work");
    const unreadable = line.findIndex((arrival) => arrival.message === undefined);
    const count = Math.min(max, unreadable === -1 ? line.length : Math.max(1, unreadable));
    const arrivals = line.slice(0, count);
    lane[from] = line.slice(count);
    if (unreadable === 0) return { kind: "unreadable", key, arrivals: [arrivals[0]!] };
    return { kind: "work", key, arrivals };
  }

  #park(lane: Lane, cause?: ParkCause): Unit {
    const room = this.#parkedMax - this.#parked;
    const arrivals = lane.waiting.splice(0, Math.min(UNIT_MAX, room));
    lane.parking = true;
    this.#touch(lane, "park");
    this.#count(lane, arrivals.length);
    return { kind: "park", key: lane.key, arrivals, ...(cause && { cause }) };
  }

  #touch(lane: Lane, kind: Unit["kind"]): void {
    lane.changed = ++this.#moment;
    if (kind !== "park") lane.rowsChanged = lane.changed;
  }

  #count(lane: Lane, change: number): void {
    lane.parked += change;
    this.#parked += change;
    assert(lane.parked >= 0, "a key has no fewer than no rows");
  }

  #hasMore(lane: Lane): boolean {
    if (lane.parked > 0 && lane.waiting.length > 0 && !lane.parking) return true;
    if (lane.busy || lane.resting) return false;
    if (lane.rows.length > 0) return true;
    return lane.waiting.length > 0 && lane.parked === 0;
  }

  #refresh(lane: Lane): void {
    if (this.#hasMore(lane)) {
      this.#ready.add(lane);
      return;
    }
    this.#ready.delete(lane);
    const idle = !lane.busy && !lane.parking && !lane.resting && lane.condemned === undefined;
    if (idle && lane.parked === 0 && lane.waiting.length === 0) this.#lanes.delete(lane.key);
  }
}

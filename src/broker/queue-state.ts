/**
 * The pure heart of a queue: which message is in which state, and what may be leased next.
 *
 * A message (an entry) is **waiting**, **delayed** (not before `readyMs`), **leased**, **dead**, or
 * **gone**. Moves: add -> waiting or delayed; take: waiting -> leased, one attempt more; accept:
 * leased -> gone; release: leased -> waiting or delayed; bury: leased -> dead; redrive: dead ->
 * waiting with no attempts; discard: dead -> gone; ripen: delayed -> waiting. Whether a release
 * must be a burial is asked with `exhausted`; the caller decides, because it must write the
 * decision down first.
 *
 * With `keyOrder` the entries of one key form a **lane**, ordered by sequence. Only the lane's head
 * may be delayed or leased; the rest wait behind it. A dead letter leaves its lane and, redriven,
 * re-enters at its old place.
 *
 * Times: `readyMs` is wall time, because delays survive restarts. `endsMs` is monotonic time,
 * because leases end with the process, and a jump of the wall clock must not end them all.
 *
 * No move takes time in proportion to the number of messages. The structures tolerate stale items
 * instead of searching for them: an item taken from `#ready`, `#delayed` or `#ends` counts only if
 * its entry's state still agrees (`#isReady` and its like); `#ends` is swept when mostly stale,
 * since otherwise each accepted message would stay in it until its lease would have ended.
 *
 * The machine knows no clock, no disk and no receiver.
 */

import { assert } from "../model/assert.ts";
import type { RawMessage } from "../model/message.ts";
import { MinHeap } from "./min-heap.ts";
import type { DeadLetterCause } from "./queues.ts";
import { ReadyQueue } from "./ready-queue.ts";

export type EntryStatus = "waiting" | "delayed" | "leased" | "dead" | "gone";

export interface QueueEntry {
  readonly sequence: number;
  readonly sentMs: number;
  /** The lane; undefined without key order, and for keyless messages. */
  readonly lane: string | undefined;
  status: EntryStatus;
  attempts: number;
  /** Wall time before which it may not be leased. */
  readyMs: number;
  /** Tells this lease from others; undefined unless leased. */
  token: string | undefined;
  /** Monotonic time at which the lease ends. */
  endsMs: number;
  deadMs: number;
  cause: DeadLetterCause | undefined;
  /** The message, where it is kept in memory. */
  message: RawMessage | undefined;
  /** Where the message stands in a log, where there is one. */
  location: number;
}

export interface QueueRules {
  readonly attempts: number;
  readonly keyOrder: boolean;
}

export interface NewEntry {
  readonly sequence: number;
  readonly sentMs: number;
  readonly key: string | Uint8Array | null;
  readonly readyMs: number;
  readonly attempts?: number;
  readonly message?: RawMessage | undefined;
  readonly location?: number;
}

interface Lane {
  head: QueueEntry;
  /** The entries behind the head, by sequence; made when the second comes. */
  rest: MinHeap<QueueEntry> | undefined;
}

export class QueueState {
  #rules: QueueRules;
  /** All entries but the dead and the gone. */
  readonly #entries = new Map<number, QueueEntry>();
  /** In the order of death. */
  readonly #dead = new Map<number, QueueEntry>();
  readonly #lanes = new Map<string, Lane>();
  readonly #ready = new ReadyQueue<QueueEntry>();
  readonly #delayed = new MinHeap<QueueEntry>();
  readonly #ends = new MinHeap<QueueEntry>();
  readonly #counts: Record<EntryStatus, number> = {
    waiting: 0,
    delayed: 0,
    leased: 0,
    dead: 0,
    gone: 0,
  };

  constructor(rules: QueueRules) {
    this.#rules = rules;
  }

  get rules(): QueueRules {
    return this.#rules;
  }

  /** `keyOrder` cannot be changed while entries exist: they are in lanes or they are not. */
  configure(rules: QueueRules): void {
    assert(rules.keyOrder === this.#rules.keyOrder, "key order is fixed for a queue's life");
    this.#rules = rules;
  }

  count(status: "waiting" | "delayed" | "leased" | "dead"): number {
    return this.#counts[status];
  }

  /** Waiting, delayed and leased together. */
  get depth(): number {
    return this.#entries.size;
  }

  get(sequence: number): QueueEntry | undefined {
    return this.#entries.get(sequence);
  }

  getDead(sequence: number): QueueEntry | undefined {
    return this.#dead.get(sequence);
  }

  /** All but dead letters, mostly in order of sequence. */
  entries(): IterableIterator<QueueEntry> {
    return this.#entries.values();
  }

  /** In the order of death. */
  deadLetters(): IterableIterator<QueueEntry> {
    return this.#dead.values();
  }

  /** When the oldest waiting message was sent. Walks over messages that are leased or delayed. */
  oldestWaitingMs(): number | undefined {
    for (const entry of this.#entries.values()) if (entry.status === "waiting") return entry.sentMs;
    return undefined;
  }

  add(entry: NewEntry, nowMs: number): QueueEntry {
    const { sequence, sentMs, key, readyMs, attempts = 0, message, location = sequence } = entry;
    assert(!this.#entries.has(sequence), `sequence ${sequence} is added once`);
    const added: QueueEntry = {
      sequence,
      sentMs,
      lane: this.#rules.keyOrder && key !== null ? laneOf(key) : undefined,
      status: "gone",
      attempts,
      readyMs,
      token: undefined,
      endsMs: 0,
      deadMs: 0,
      cause: undefined,
      message,
      location,
    };
    this.#counts.gone++;
    this.#enter(added, nowMs);
    return added;
  }

  /** Adds a message that is dead already, as a checkpoint tells. Later calls are later deaths. */
  addDead(
    entry: NewEntry,
    death: { readonly deadMs: number; readonly cause: DeadLetterCause },
  ): void {
    const added = this.add({ ...entry, readyMs: 0 }, 0);
    this.bury(added, death);
  }

  /** The next entry that may be leased, without taking it. */
  peekReady(): QueueEntry | undefined {
    for (;;) {
      const entry = this.#ready.peek();
      if (entry === undefined || this.#isReady(entry)) return entry;
      this.#ready.pop();
    }
  }

  /** Leases an entry: one attempt more. On replay also an entry whose lease was never settled. */
  take(entry: QueueEntry, lease: { readonly token: string; readonly endsMs: number }): void {
    assert(this.#entries.get(entry.sequence) === entry, `${entry.sequence} is in the queue`);
    this.#setStatus(entry, "leased");
    entry.attempts++;
    entry.token = lease.token;
    this.#setEnd(entry, lease.endsMs);
  }

  extend(entry: QueueEntry, endsMs: number): void {
    assert(entry.status === "leased", `${entry.sequence} is leased when extended`);
    this.#setEnd(entry, endsMs);
  }

  accept(entry: QueueEntry): void {
    assert(this.#entries.get(entry.sequence) === entry, `${entry.sequence} is in the queue`);
    this.#leaveLane(entry);
    this.#drop(entry);
  }

  /** Whether the attempt under way was the last: a release of it must be a burial. */
  exhausted(entry: QueueEntry): boolean {
    return entry.attempts >= this.#rules.attempts;
  }

  release(
    entry: QueueEntry,
    options: { readonly readyMs: number; readonly nowMs: number; readonly countAttempt: boolean },
  ): void {
    assert(entry.status === "leased", `${entry.sequence} is leased when released`);
    if (!options.countAttempt) entry.attempts--;
    entry.readyMs = options.readyMs;
    entry.token = undefined;
    this.#expose(entry, options.nowMs);
  }

  bury(
    entry: QueueEntry,
    death: { readonly deadMs: number; readonly cause: DeadLetterCause },
  ): void {
    assert(this.#entries.get(entry.sequence) === entry, `${entry.sequence} is in the queue`);
    this.#leaveLane(entry);
    this.#entries.delete(entry.sequence);
    this.#setStatus(entry, "dead");
    entry.token = undefined;
    entry.deadMs = death.deadMs;
    entry.cause = death.cause;
    this.#dead.set(entry.sequence, entry);
  }

  /** Makes a dead letter wait again, as if never delivered. */
  redrive(entry: QueueEntry, nowMs: number): void {
    assert(this.#dead.delete(entry.sequence), `${entry.sequence} is dead when redriven`);
    entry.attempts = 0;
    entry.readyMs = 0;
    entry.cause = undefined;
    this.#enter(entry, nowMs);
  }

  discard(entry: QueueEntry): void {
    assert(this.#dead.delete(entry.sequence), `${entry.sequence} is dead when discarded`);
    this.#drop(entry);
  }

  /** Makes the delayed messages wait whose time has come. */
  ripen(nowMs: number): void {
    for (let due = this.#delayed.minKey; due !== undefined && due <= nowMs;) {
      const entry = this.#delayed.pop()!;
      if (entry.status === "delayed" && entry.readyMs <= nowMs) this.#expose(entry, nowMs);
      due = this.#delayed.minKey;
    }
  }

  /** The entries whose leases have ended; the caller must release, bury or extend each at once. */
  takeEnded(monotonicMs: number): QueueEntry[] {
    const ended: QueueEntry[] = [];
    for (let due = this.#ends.minKey; due !== undefined && due <= monotonicMs;) {
      const entry = this.#ends.pop()!;
      if (entry.status === "leased" && entry.endsMs === due) {
        // A second lease that ends in the same moment leaves a second item; it must not count.
        entry.endsMs = Infinity;
        ended.push(entry);
      }
      due = this.#ends.minKey;
    }
    return ended;
  }

  /** Wall time at which a delayed message may become ready; may be early, never late. */
  get nextRipeMs(): number | undefined {
    return this.#delayed.minKey;
  }

  /** Monotonic time at which a lease may end; may be early, never late. */
  get nextEndMs(): number | undefined {
    return this.#ends.minKey;
  }

  #setStatus(entry: QueueEntry, status: EntryStatus): void {
    this.#counts[entry.status]--;
    this.#counts[status]++;
    entry.status = status;
  }

  #setEnd(entry: QueueEntry, endsMs: number): void {
    entry.endsMs = endsMs;
    this.#ends.push(endsMs, entry);
    if (this.#ends.size > 2 * this.#counts.leased + 1024) {
      this.#ends.retain((item, key) => item.status === "leased" && item.endsMs === key);
    }
  }

  #drop(entry: QueueEntry): void {
    this.#entries.delete(entry.sequence);
    this.#setStatus(entry, "gone");
    entry.message = undefined;
    this.#counts.gone--;
  }

  /** Puts an entry among the living, at its place in its lane. */
  #enter(entry: QueueEntry, nowMs: number): void {
    this.#entries.set(entry.sequence, entry);
    if (entry.lane === undefined) return this.#expose(entry, nowMs);
    const lane = this.#lanes.get(entry.lane);
    if (lane === undefined) {
      this.#lanes.set(entry.lane, { head: entry, rest: undefined });
      return this.#expose(entry, nowMs);
    }
    lane.rest ??= new MinHeap();
    const { head } = lane;
    if (head.status === "leased" || head.sequence < entry.sequence) {
      lane.rest.push(entry.sequence, entry);
      return this.#setStatus(entry, "waiting");
    }
    lane.head = entry;
    lane.rest.push(head.sequence, head);
    this.#setStatus(head, "waiting");
    this.#expose(entry, nowMs);
  }

  /** Makes an entry that stands at the head of its lane, or in none, ready or delayed. */
  #expose(entry: QueueEntry, nowMs: number): void {
    const lane = entry.lane === undefined ? undefined : this.#lanes.get(entry.lane);
    const older = lane?.rest?.min;
    if (lane?.rest !== undefined && older !== undefined && older.sequence < entry.sequence) {
      // Redriven while this one was leased: the older goes first, and this one behind it.
      lane.rest.pop();
      lane.rest.push(entry.sequence, entry);
      lane.head = older;
      this.#setStatus(entry, "waiting");
      return this.#expose(older, nowMs);
    }
    if (entry.readyMs > nowMs) {
      this.#setStatus(entry, "delayed");
      this.#delayed.push(entry.readyMs, entry);
    } else {
      this.#setStatus(entry, "waiting");
      this.#ready.push(entry);
    }
  }

  #leaveLane(entry: QueueEntry): void {
    if (entry.lane === undefined) return;
    const lane = this.#lanes.get(entry.lane);
    assert(lane !== undefined, `the lane of ${entry.sequence} exists`);
    if (lane.head !== entry) {
      lane.rest?.retain((item) => item !== entry);
      return;
    }
    const next = lane.rest?.pop();
    if (next === undefined) {
      this.#lanes.delete(entry.lane);
      return;
    }
    lane.head = next;
    // The next one's own delay is wall time that only `ripen` knows to have passed.
    this.#expose(next, next.readyMs === 0 ? 0 : -1);
  }

  #isReady(entry: QueueEntry): boolean {
    if (entry.status !== "waiting") return false;
    return entry.lane === undefined || this.#lanes.get(entry.lane)?.head === entry;
  }
}

/** The lane of a key; what it returns is its own lane again. */
export function laneOf(key: string | Uint8Array): string {
  return typeof key === "string" ? key : `\u0000${String.fromCharCode(...key)}`;
}

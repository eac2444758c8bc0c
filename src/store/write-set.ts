/**
 * Write sets: what one key's handlers decided, as data.
 *
 * A store never runs user code in a transaction. Handlers and folds run first; each key yields one
 * write set; one short transaction applies the sets of a batch. A set is applied whole or not at all.
 * A set whose conditions do not hold is left out and reported, and the others still commit.
 */

import type { RawMessage } from "../model/message.ts";

/** JSON as the codec keeps it: objects without prototypes of their own, bigint for 64-bit integers. */
export type Json =
  | null
  | boolean
  | number
  | bigint
  | string
  | readonly Json[]
  | { readonly [name: string]: Json };

/** The values by which documents are found; fixed names, declared with the collection. */
export type IndexValue = string | number | boolean | null;

export interface DocumentWrite {
  readonly collection: string;
  /** At most one write of a document in a set. */
  readonly id: string;
  /** The version that was read: 0 for a document that does not exist, be it deleted or never written. */
  readonly expected: number;
  /** The document's JSON text, or null to delete it. */
  readonly json: string | null;
  readonly indexed?: Readonly<Record<string, IndexValue>>;
}

export interface EventWrite {
  /** The entity (aggregate instance) that the events belong to. */
  readonly entity: string;
  /** How many events the entity had when it was read. */
  readonly expected: number;
  readonly events: readonly RawMessage[];
}

export interface OutgoingMessage {
  /** Where the relay shall publish it. */
  readonly target: { readonly kind: "stream" | "queue"; readonly name: string };
  readonly message: RawMessage;
  /** Queues only. */
  readonly delayMs?: number;
}

/** The place of an incoming message in its source's output; see `LanePlace` of the envelope. */
export interface InboxMark {
  readonly source: string;
  readonly epoch: number;
  readonly lane: string;
  readonly sequence: number;
}

/** Names a timer: an instance of a part has at most one of each name. */
export interface TimerRef {
  /** The part that set it, and that it comes back to. */
  readonly consumer: string;
  readonly instance: string;
  readonly name: string;
}

/** A timer to set; one of the same name that the instance has is replaced. */
export interface TimerWrite extends TimerRef {
  /** The id of its message: tells this timer from those that had the name before it. */
  readonly id: string;
  /** Wall time, milliseconds since 1970. */
  readonly dueMs: number;
  readonly message: RawMessage;
}

/** Ends one timer of the instance, or all of them; harmless where there is none. */
export type TimerCancel = Omit<TimerRef, "name"> & { readonly name?: string };

/**
 * The recorded answer of one effect: what the outside world said to a call that one message led to.
 * The first answer stays: writing another under the same name changes nothing.
 */
export interface EffectWrite {
  readonly consumer: string;
  /** The id of the message whose handling made the call. */
  readonly message: string;
  /** Unique within the handling of that message. */
  readonly name: string;
  /** The answer's JSON text. */
  readonly json: string;
  readonly atMs: number;
}

/** What identifies one incoming message to the inbox. */
export interface Incoming {
  /**
   * A timer that fell due. It is open exactly as long as the store has this timer under this id, so
   * one that was fired, ended or replaced meanwhile counts as settled; settling it removes it. It has
   * neither offset nor mark, and the window of ids does not take its id.
   */
  readonly timer?: TimerRef;
  /** Where it stands in the input: stream partitions, and the store's own events. */
  readonly offset?: number;
  /** Millrace's own messages carry their place; it takes precedence over the id. */
  readonly mark?: InboxMark;
  /** Strangers' messages have only their id. */
  readonly id: string;
}

export interface ParkedWrite {
  /** The key whose later messages must wait; a keyless message parks under its own id. */
  readonly key: string;
  readonly incoming: Incoming;
  readonly message: RawMessage;
  /** Undefined for a message that did not fail itself but waits behind one that did. */
  readonly cause?: ParkCause;
}

export interface ParkCause {
  readonly kind: "bad-message" | "bug";
  readonly code: string;
  readonly message: string;
  readonly stack?: string;
  readonly attempts: number;
  /** When its key shall be redriven by itself; absent where a person has to ask for it. */
  readonly retryAtMs?: number;
}

/** A parked row that failed again in a redrive: it keeps its place, and its key waits again. */
export interface ReparkedRow {
  readonly row: number;
  readonly cause: ParkCause;
}

export interface WriteSet {
  /** Names the set in the answer; unique within its batch. */
  readonly key: string;
  /**
   * The incoming messages that this set settles, those it parks included. A message that was settled
   * before may stand here only where the set does nothing else; see the outcome `duplicate`.
   */
  readonly finishes: readonly Incoming[];
  readonly documents?: readonly DocumentWrite[];
  readonly events?: readonly EventWrite[];
  /** In this order; after the timers that the set settles were removed. */
  readonly timers?: readonly (TimerWrite | TimerCancel)[];
  readonly effects?: readonly EffectWrite[];
  /** Published in order, after the sets before it, on the batch's lane. */
  readonly outgoing?: readonly OutgoingMessage[];
  /**
   * Messages to park: the first of its key carries the cause, the rest wait behind it. One without a
   * cause is marked for redrive where no row of its key waits for a redrive, or none is left: what it
   * was to wait behind may have been worked off or discarded meanwhile.
   */
  readonly park?: readonly ParkedWrite[];
  /** Parked rows (their `row`) that this set has worked off. A row that is gone is a conflict. */
  readonly unpark?: readonly number[];
  /** Takes the mark for redrive off all rows of their keys. A row that is gone is a conflict. */
  readonly repark?: readonly ReparkedRow[];
}

/** Offsets from `from` up to but not including `to`. */
export interface OffsetRange {
  readonly from: number;
  readonly to: number;
}

/** The input that a batch came from. */
export interface BatchInput {
  /** The part's name, unique in its service: `refunds`. */
  readonly consumer: string;
  /** `stream/partition` or `queue`; the inbox and the progress are kept per (consumer, input). */
  readonly input: string;
  /** The fencing epoch of the assignment; a batch with an older one than the store has seen is FENCED. */
  readonly epoch: number;
  /** Which log the offsets belong to: `cluster/stream/incarnation`. Streams only. */
  readonly log?: string;
  /**
   * Messages that were read before the last of this batch and are still being worked on (they wait
   * for a retry, say). The inbox keeps them as open holes, so that they are not taken for done; the
   * store does the same, by itself, with what the sets that it leaves out would have finished.
   */
  readonly unfinished?: readonly Incoming[];
  /**
   * Offsets that hold no message for this consumer and never will: expired, compacted away, or taken
   * by a broker's own markers. They count as finished; without them the position would stop for ever.
   */
  readonly gaps?: readonly OffsetRange[];
}

export interface Batch {
  /** Absent for writes that no incoming message caused. */
  readonly input?: BatchInput;
  /** The outbox lane for outgoing messages; required where a set has some. */
  readonly lane?: string;
  readonly sets: readonly WriteSet[];
}

export type SetOutcome =
  | { readonly key: string; readonly status: "applied" }
  /** A document or entity has another version than expected. Read again and retry this key alone. */
  | { readonly key: string; readonly status: "conflict"; readonly what: string }
  /**
   * Messages of these ids were settled before (another owner was faster, or the source sent them
   * twice), so nothing of the set was applied, except that their new offsets are finished too. The
   * set's other messages are still open: handle them again without these.
   */
  | { readonly key: string; readonly status: "duplicate"; readonly settled: readonly string[] };

export interface BatchOutcome {
  readonly sets: readonly SetOutcome[];
  /** The offset before which everything is finished, after this batch. Streams only. */
  readonly position?: number;
  /** The lane's sequences given to this batch's outgoing messages: from, and up to but not including. */
  readonly sequences?: { readonly from: number; readonly to: number };
  /**
   * The store's sequences of this batch's events, in the order of the sets that applied: from, and up
   * to but not including. Absent where none was appended.
   */
  readonly events?: { readonly from: number; readonly to: number };
}

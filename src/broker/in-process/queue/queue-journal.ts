/**
 * Where a queue of a broker in this process writes down what happens to it.
 *
 * The engine first writes, then changes its state, in one tick: so the journal's order is the
 * state's order, and replaying the journal gives the same state. What goes out (answers, leases)
 * waits until what it rests on is durable.
 */

import type { DedupeId } from "../../dedupe-window.ts";
import { assert } from "../../../model/assert.ts";
import type { DedupeWindow } from "../../../model/durability.ts";
import type { RawMessage } from "../../../model/message.ts";
import type { NewEntry, QueueEntry, QueueRules, QueueState } from "../../queue-state.ts";
import type { QueueSpec } from "../../queues.ts";

/** What happened to messages, by sequence. A sequence stands in one list only. */
export interface QueueOps {
  readonly accept?: readonly number[];
  /** `counts` false gives the attempt back. */
  readonly release?: readonly (readonly [sequence: number, readyMs: number, counts: boolean])[];
  readonly dead?: readonly (readonly [
    sequence: number,
    deadMs: number,
    code: string,
    text: string,
  ])[];
  readonly redrive?: readonly number[];
  readonly discard?: readonly number[];
  readonly lease?: readonly number[];
}

/** Does to the state what the operations say; leases are taken one by one by the caller. */
export function applyOps(state: QueueState, ops: QueueOps, nowMs: number): void {
  for (const sequence of ops.accept ?? []) state.accept(living(state, sequence));
  for (const [sequence, readyMs, countAttempt] of ops.release ?? []) {
    state.release(living(state, sequence), { readyMs, nowMs, countAttempt });
  }
  for (const [sequence, deadMs, code, message] of ops.dead ?? []) {
    state.bury(living(state, sequence), { deadMs, cause: { code, message } });
  }
  for (const sequence of ops.redrive ?? []) state.redrive(deadOne(state, sequence), nowMs);
  for (const sequence of ops.discard ?? []) state.discard(deadOne(state, sequence));
}

function living(state: QueueState, sequence: number): QueueEntry {
  const entry = state.get(sequence);
  assert(entry !== undefined, `${sequence} is in the queue`);
  return entry;
}

function deadOne(state: QueueState, sequence: number): QueueEntry {
  const entry = state.getDead(sequence);
  assert(entry !== undefined, `${sequence} is a dead letter`);
  return entry;
}

export interface JournaledSend {
  readonly message: RawMessage;
  /** Wall time before which it may not be leased; 0 for at once. */
  readonly readyMs: number;
}

export interface RecentId {
  readonly id: DedupeId;
  readonly sequence: number;
  readonly timeMs: number;
}

export interface RecoveredQueue {
  readonly state: QueueState;
  /** Messages, waiting again, whose last lease was never settled. */
  readonly unsettled: readonly QueueEntry[];
}

export interface QueueJournal {
  /** Distinguishes the tokens of this opening from those of earlier ones. */
  readonly generation: string;
  /** Waiting messages that stand only in the journal, behind all that the state holds. */
  readonly heldBack: number;

  /** The state that the journal tells. */
  recover(rules: QueueRules): Promise<RecoveredQueue>;

  /**
   * Writes messages, which get sequences by one from `firstSequence`. Throws at once with nothing
   * written, or rejects `durable`.
   */
  send(
    sends: readonly JournaledSend[],
    nowMs: number,
  ): { readonly firstSequence: number; readonly durable: Promise<void> };

  /** Writes operations, also on a full disk. Throws and rejects like `send`. */
  record(ops: QueueOps): Promise<void>;

  /**
   * Asked for each message just sent: true when it is to stay in the journal only (then it counts
   * as held back), false when the state is to hold it.
   */
  holdBack(state: QueueState, sequence: number, message: RawMessage): boolean;

  /**
   * Reads the oldest messages held back and hands them to `add`; in the same moment they count as
   * held back no longer.
   */
  loadHeldBack(add: (entries: readonly NewEntry[]) => void): Promise<void>;

  /** The message of an entry that does not carry it. */
  readMessage(entry: QueueEntry): Promise<RawMessage>;

  /** Called when an entry's message is no longer needed in memory soon. */
  forgetMessage(entry: QueueEntry): void;

  /** The ids that the window still covers, oldest first. */
  recentIds(window: DedupeWindow, nowMs: number): Promise<readonly RecentId[]>;

  /** A chance to write a checkpoint and trim; called after changes, in a tick of their own. */
  tend(state: QueueState): void;

  configure(spec: QueueSpec): Promise<void>;
  close(): Promise<void>;
}

/**
 * What a queue's log says, gathered record by record: the pure part of recovery.
 *
 * It begins empty or with a checkpoint. A message that was sent and not touched since is only
 * counted as **held back**; it is known by standing at or after `cursor` and not in `skip`. The
 * first operation on such a message takes it out of those held back and gives it a `ReplayedEntry`,
 * whose time and lane are unknown (`sentMs` undefined) until they are read from its record.
 *
 * Where a part of the log is lost, and somebody accepted that, what happened to messages is not wholly
 * known: messages in it are gone, and of the others what is told counts. One whose end is not told comes
 * again.
 */

import { assert } from "../../model/assert.ts";
import type { QueueOps } from "../../broker/in-process/queue/queue-journal.ts";
import { type QueueEntry, type QueueRules, QueueState } from "../../broker/queue-state.ts";
import type { LostOffsets } from "../log/open-log.ts";
import type { Backlog, CheckpointPart } from "./checkpoint.ts";
import type { QueueRecord } from "./queue-record.ts";
import { SendMarks } from "./send-marks.ts";

export interface ReplayedEntry {
  readonly sequence: number;
  location: number;
  sentMs: number | undefined;
  lane: string | null;
  attempts: number;
  readyMs: number;
  leased: boolean;
  death: { readonly deadMs: number; readonly code: string; readonly text: string } | undefined;
}

export class QueueReplay {
  readonly #living = new Map<number, ReplayedEntry>();
  readonly #dead = new Map<number, ReplayedEntry>();
  #cursor: number;
  #heldBack = 0;
  #skip = new Set<number>();
  #marks = new SendMarks([]);
  readonly #start: number;
  readonly #lost: readonly LostOffsets[];

  /** `start` is the first offset that is replayed; what is `lost` is not read. */
  constructor(start: number, lost: readonly LostOffsets[] = []) {
    this.#cursor = start;
    this.#start = start;
    this.#lost = lost;
  }

  get backlog(): Backlog {
    return {
      cursor: this.#cursor,
      heldBack: this.#heldBack,
      skip: [...this.#skip],
      marks: this.#marks.list(),
    };
  }

  /** Entries whose time and lane must be read from their records before `build`. */
  unknown(): ReplayedEntry[] {
    if (this.#lost.length > 0) this.#dropLost();
    const all = [...this.#living.values(), ...this.#dead.values()];
    return all.filter(({ sentMs }) => sentMs === undefined);
  }

  /** Takes a part of the checkpoint that replay begins with. */
  load({ living, dead, backlog }: CheckpointPart): void {
    for (const [sequence, location, sentMs, attempts, readyMs, leased, lane] of living) {
      this.#living.set(sequence, {
        sequence,
        location,
        sentMs,
        lane,
        attempts,
        readyMs,
        leased: leased === 1,
        death: undefined,
      });
    }
    for (const [sequence, location, sentMs, attempts, deadMs, code, text, lane] of dead) {
      this.#dead.set(sequence, {
        sequence,
        location,
        sentMs,
        lane,
        attempts,
        readyMs: 0,
        leased: false,
        death: { deadMs, code, text },
      });
    }
    if (backlog === undefined) return;
    this.#cursor = backlog.cursor;
    this.#heldBack = backlog.heldBack;
    this.#skip = new Set(backlog.skip);
    this.#marks = new SendMarks(backlog.marks);
  }

  apply(record: QueueRecord, at: { readonly offset: number; readonly appendedMs: number }): void {
    switch (record.kind) {
      case "message":
        this.#heldBack++;
        this.#marks.push(at.offset, 1, at.appendedMs);
        return;
      case "copy":
        this.#copied(record.sequence, at.offset, record.sentMs);
        return;
      case "ops":
        this.#operate(record.ops);
        return;
      case "checkpoint":
      // A later checkpoint, which was never finished or not yet pointed to, says nothing new.
    }
  }

  /** The state. `unsettled` are the entries whose last lease was never settled. */
  build(rules: QueueRules, nowMs: number): { state: QueueState; unsettled: QueueEntry[] } {
    const state = new QueueState(rules);
    const unsettled: QueueEntry[] = [];
    for (const entry of this.#dead.values()) {
      const { deadMs, code, text } = entry.death!;
      state.addDead(newEntry(entry), { deadMs, cause: { code, message: text } });
    }
    for (const entry of [...this.#living.values()].toSorted((a, b) => a.sequence - b.sequence)) {
      const added = state.add(newEntry(entry), nowMs);
      if (entry.leased) unsettled.push(added);
    }
    return { state, unsettled };
  }

  #operate(ops: QueueOps): void {
    for (const sequence of ops.accept ?? []) {
      if (!this.#living.delete(sequence)) this.#takeFromBacklog(sequence);
    }
    for (const [sequence, readyMs, counts] of ops.release ?? []) {
      const entry = this.#touch(sequence);
      entry.leased = false;
      entry.readyMs = readyMs;
      if (!counts && entry.attempts > 0) entry.attempts--;
    }
    for (const [sequence, deadMs, code, text] of ops.dead ?? []) {
      const entry = this.#touch(sequence);
      entry.leased = false;
      entry.death = { deadMs, code, text };
      this.#living.delete(sequence);
      this.#dead.set(sequence, entry);
    }
    for (const sequence of ops.redrive ?? []) {
      const entry = this.#dead.get(sequence);
      if (entry === undefined && this.#lost.length > 0) continue;
      assert(entry !== undefined, `${sequence} is dead when redriven`);
      this.#dead.delete(sequence);
      this.#living.set(sequence, { ...entry, attempts: 0, readyMs: 0, death: undefined });
    }
    for (const sequence of ops.discard ?? []) this.#dead.delete(sequence);
    for (const sequence of ops.lease ?? []) {
      const entry = this.#touch(sequence);
      entry.attempts++;
      entry.leased = true;
    }
  }

  #copied(sequence: number, location: number, sentMs: number): void {
    const entry = this.#living.get(sequence) ?? this.#dead.get(sequence);
    // Accepted between the copy's writing and its becoming durable, or still held back.
    if (entry === undefined) return;
    entry.location = location;
    entry.sentMs ??= sentMs;
  }

  #touch(sequence: number): ReplayedEntry {
    let entry = this.#living.get(sequence);
    if (entry !== undefined) return entry;
    this.#takeFromBacklog(sequence);
    entry = {
      sequence,
      location: sequence,
      sentMs: undefined,
      lane: null,
      attempts: 0,
      readyMs: 0,
      leased: false,
      death: undefined,
    };
    this.#living.set(sequence, entry);
    return entry;
  }

  /** Messages whose record is lost, or was trimmed and whose copy is lost. */
  #dropLost(): void {
    for (const entries of [this.#living, this.#dead]) {
      for (const [sequence, { location, sentMs }] of entries) {
        const isTrimmed = sentMs === undefined && location < this.#start;
        if (isTrimmed || this.#lost.some(contains(location))) entries.delete(sequence);
      }
    }
  }

  #takeFromBacklog(sequence: number): void {
    const isHeldBack = sequence >= this.#cursor && !this.#skip.has(sequence);
    if (this.#lost.some(contains(sequence)) || (!isHeldBack && this.#lost.length > 0)) return;
    assert(isHeldBack, `${sequence} is held back`);
    this.#skip.add(sequence);
    this.#heldBack--;
  }
}

function newEntry(entry: ReplayedEntry): Parameters<QueueState["add"]>[0] {
  const { sequence, sentMs, lane, readyMs, attempts, location } = entry;
  assert(sentMs !== undefined, `the time of ${sequence} was read from its record`);
  return { sequence, sentMs, key: lane, readyMs, attempts, location };
}

/** Whether the offset lies in a range. */
export function contains(offset: number): (range: LostOffsets) => boolean {
  return ({ firstOffset, nextOffset }) => firstOffset <= offset && offset < nextOffset;
}

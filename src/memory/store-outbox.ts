/** The outbox of a store in memory: a row per commit and lane, and who may publish each lane. */

import { MillraceError } from "../model/errors.ts";
import type { OutboxRow, PendingLane } from "../store/store.ts";
import type { OutgoingMessage } from "../store/write-set.ts";

interface Row extends OutboxRow {
  /** Counts commits over all lanes. */
  readonly commit: number;
}

interface Lane {
  nextSequence: number;
  rows: Row[];
  owner: string | undefined;
  leasedUntilMs: number;
}

export class MemoryOutbox {
  readonly #lanes = new Map<string, Lane>();
  readonly #epoch: number;
  #commits = 0;

  constructor(epoch: number) {
    this.#epoch = epoch;
  }

  add(lane: string, messages: readonly OutgoingMessage[]): { from: number; to: number } {
    const found = this.#lane(lane);
    const from = found.nextSequence;
    if (messages.length > 0) {
      const commit = ++this.#commits;
      found.rows.push({ commit, lane, epoch: this.#epoch, firstSequence: from, messages });
      found.nextSequence = from + messages.length;
    }
    return { from, to: found.nextSequence };
  }

  /** Every lane with messages, the one whose first message is oldest first. */
  pending(): string[] {
    const oldest = [...this.#lanes.values()].flatMap(({ rows }) => rows.slice(0, 1));
    return oldest.toSorted((a, b) => a.commit - b.commit).map(({ lane }) => lane);
  }

  extents(): PendingLane[] {
    return [...this.#lanes].flatMap(([lane, { rows, nextSequence }]) => {
      const [first] = rows;
      return first === undefined ? [] : [{ lane, from: first.firstSequence, to: nextSequence }];
    });
  }

  /** Ends all leases: the store was opened anew, so whoever held them is gone. */
  endLeases(): void {
    for (const lane of this.#lanes.values()) lane.owner = undefined;
  }

  lease(lane: string, owner: string, nowMs: number, leaseMs: number): boolean {
    const found = this.#lane(lane);
    if (found.owner !== undefined && found.owner !== owner && nowMs < found.leasedUntilMs) {
      return false;
    }
    found.owner = owner;
    found.leasedUntilMs = nowMs + leaseMs;
    return true;
  }

  /** Forgets a lease by which nothing was ever published: without sequences there is nothing to keep. */
  forgetLease(name: string): void {
    if (this.#lanes.get(name)?.nextSequence === 0) this.#lanes.delete(name);
  }

  read(lane: string, limit: number): OutboxRow[] {
    const rows: OutboxRow[] = [];
    let left = limit;
    for (const row of this.#lanes.get(lane)?.rows ?? []) {
      if (left <= 0) break;
      const { epoch, firstSequence, messages } = row;
      rows.push({ lane, epoch, firstSequence, messages: messages.slice(0, left) });
      left -= row.messages.length;
    }
    return rows;
  }

  trim(lane: string, owner: string, sequence: number): void {
    const found = this.#lane(lane);
    if (found.owner !== owner) {
      throw new MillraceError(
        "FENCED",
        `lane ${lane} is leased by ${found.owner ?? "nobody"}, not by ${owner}`,
      );
    }
    found.rows = found.rows.flatMap((row) => {
      const gone = Math.max(0, sequence - row.firstSequence);
      if (gone >= row.messages.length) return [];
      return [
        { ...row, firstSequence: row.firstSequence + gone, messages: row.messages.slice(gone) },
      ];
    });
  }

  #lane(name: string): Lane {
    const known = this.#lanes.get(name);
    if (known !== undefined) return known;
    const made: Lane = { nextSequence: 0, rows: [], owner: undefined, leasedUntilMs: 0 };
    this.#lanes.set(name, made);
    return made;
  }
}

/** Parked messages of a store in memory, in the order in which they were parked. */

import type { ParkedMessage } from "../store/store.ts";
import type { BatchInput, ParkCause, ParkedWrite, ReparkedRow } from "../store/write-set.ts";

export interface ParkedFilter {
  readonly consumer?: string;
  readonly input?: string;
  readonly key?: string;
  readonly after?: number;
  readonly limit?: number;
  readonly redrive?: boolean;
}

export class MemoryParking {
  readonly #rows = new Map<number, ParkedMessage>();
  #nextRow = 1;

  has(row: number): boolean {
    return this.#rows.has(row);
  }

  park({ consumer, input }: BatchInput, write: ParkedWrite, parkedMs: number): void {
    const row = this.#nextRow++;
    // Behind rows that are worked off, or behind none any more: nobody else would set it going.
    const redrive =
      write.cause === undefined &&
      this.#all().every(
        (parked) => parked.redrive || !isSameKey(parked, { consumer, input, key: write.key }),
      );
    this.#rows.set(row, { ...write, row, consumer, input, parkedMs, redrive });
  }

  unpark(row: number): void {
    this.#rows.delete(row);
  }

  repark({ row, cause }: ReparkedRow): void {
    const failed = this.#rows.get(row);
    if (failed === undefined) return;
    this.#rows.set(row, { ...failed, cause });
    this.#mark([failed], false);
  }

  keys(consumer: string, input: string): Map<string, number> {
    const counts = new Map<string, number>();
    for (const parked of this.#all()) {
      if (parked.consumer !== consumer || parked.input !== input) continue;
      counts.set(parked.key, (counts.get(parked.key) ?? 0) + 1);
    }
    return counts;
  }

  list(filter: ParkedFilter): ParkedMessage[] {
    const { consumer, input, key, redrive, after = 0, limit = 100 } = filter;
    return this.#all()
      .filter(
        (parked) =>
          parked.row > after &&
          (consumer === undefined || parked.consumer === consumer) &&
          (input === undefined || parked.input === input) &&
          (key === undefined || parked.key === key) &&
          (redrive === undefined || parked.redrive === redrive),
      )
      .slice(0, limit);
  }

  redrive(rows: readonly number[] | "all"): number {
    const wanted = rows === "all" ? this.#all() : this.#present(rows);
    return this.#mark(wanted, true);
  }

  redriveDue(consumer: string, input: string, nowMs: number): { count: number; nextMs?: number } {
    const heads = new Map<string, ParkedMessage>();
    for (const parked of this.#all()) {
      if (parked.consumer !== consumer || parked.input !== input) continue;
      if (!heads.has(parked.key)) heads.set(parked.key, parked);
    }
    const waiting = [...heads.values()].filter(({ redrive }) => !redrive);
    const due = waiting.filter(({ cause }) => retryMsOf(cause) <= nowMs);
    const nextMs = waiting
      .map(({ cause }) => retryMsOf(cause))
      .filter((ms) => ms > nowMs)
      .reduce((least, ms) => Math.min(least, ms), Infinity);
    const count = this.#mark(due, true);
    return nextMs === Infinity ? { count } : { count, nextMs };
  }

  forget(consumer: string): void {
    for (const parked of this.#all()) {
      if (parked.consumer === consumer) this.#rows.delete(parked.row);
    }
  }

  discard(rows: readonly number[]): number {
    const wanted = this.#present([...new Set(rows)]);
    const heads = wanted.filter((parked) => parked.cause !== undefined);
    for (const { row } of wanted) this.#rows.delete(row);
    const freed = heads.filter(
      (head) => !this.#all().some((parked) => parked.row < head.row && isSameKey(parked, head)),
    );
    this.#mark(freed, true);
    return wanted.length;
  }

  /** Sets the mark on all rows of the keys of these; returns the rows changed. */
  #mark(rows: readonly ParkedMessage[], redrive: boolean): number {
    const keys = new Set(rows.map(keyText));
    const changed = this.#all().filter(
      (parked) => parked.redrive !== redrive && keys.has(keyText(parked)),
    );
    for (const parked of changed) this.#rows.set(parked.row, { ...parked, redrive });
    return changed.length;
  }

  #present(rows: readonly number[]): ParkedMessage[] {
    return rows.flatMap((row) => this.#rows.get(row) ?? []);
  }

  #all(): ParkedMessage[] {
    return [...this.#rows.values()];
  }
}

/** When the failure shall be retried; never, where a person has to ask for it. */
function retryMsOf(cause: ParkCause | undefined): number {
  return cause?.retryAtMs ?? Infinity;
}

type KeyPlace = Pick<ParkedMessage, "consumer" | "input" | "key">;

function keyText({ consumer, input, key }: KeyPlace): string {
  return JSON.stringify([consumer, input, key]);
}

function isSameKey(a: KeyPlace, b: KeyPlace): boolean {
  return a.key === b.key && a.input === b.input && a.consumer === b.consumer;
}

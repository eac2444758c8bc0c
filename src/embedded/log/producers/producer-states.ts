/**
 * All producers of a partition, as of the last batch that was given an offset.
 *
 * That is ahead of the disk: a batch counts as soon as it gathers, or the next one of its producer
 * would seem out of order. So each change keeps what it replaced until its batch is durable; a group
 * that the disk refused takes its changes back, newest first, and a snapshot is told as of an offset.
 */

import type { TransactionMarker } from "../format/transaction-marker.ts";
import {
  afterBatch,
  afterMarker,
  checkBatch,
  checkMarker,
  originalOf,
  type ProducedBatch,
  type ProducerEntry,
  type SequencedBatch,
} from "./producer-entry.ts";

const SWEPT_FROM = 1_000;

interface Change {
  readonly offset: number;
  readonly id: number;
  readonly before: ProducerEntry | undefined;
}

interface Place {
  readonly firstOffset: number;
  readonly nowMs: number;
}

export interface ProducerStatesOptions {
  readonly entries?: Iterable<ProducerEntry>;
  /** After this silence a producer without an open transaction is forgotten. */
  readonly keepMs: number;
}

export class ProducerStates {
  readonly #entries: Map<number, ProducerEntry>;
  readonly #keepMs: number;
  /** Of batches that are not durable yet, the oldest first. */
  #pending: Change[] = [];
  #sweepAt = SWEPT_FROM;

  constructor({ entries = [], keepMs }: ProducerStatesOptions) {
    this.#entries = new Map([...entries].map((entry) => [entry.id, entry]));
    this.#keepMs = keepMs;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(id: number, nowMs: number): ProducerEntry | undefined {
    const entry = this.#entries.get(id);
    return entry === undefined || this.#isForgotten(entry, nowMs) ? undefined : entry;
  }

  list(nowMs: number): readonly ProducerEntry[] {
    return [...this.#entries.values()].filter((entry) => !this.#isForgotten(entry, nowMs));
  }

  /**
   * Judges a batch before it is appended: undefined where it is to be appended, and what stands in the
   * log already where it is a repetition. Throws `BatchRefused`: fenced, out-of-order,
   * transaction-state.
   */
  check(batch: ProducedBatch, nowMs: number): SequencedBatch | undefined {
    const entry = this.get(batch.producerId, nowMs);
    const original = entry === undefined ? undefined : originalOf(entry, batch);
    if (original === undefined) checkBatch(entry, batch);
    return original;
  }

  /** Throws `BatchRefused` ("fenced"). */
  checkMarker(marker: TransactionMarker, nowMs: number): void {
    checkMarker(this.get(marker.producerId, nowMs), marker);
  }

  appended(batch: ProducedBatch, { firstOffset, nowMs }: Place): void {
    const before = this.get(batch.producerId, nowMs);
    const entry = afterBatch(before, batch, { firstOffset, heardMs: nowMs });
    this.#set(entry, firstOffset, nowMs);
  }

  ended(
    marker: TransactionMarker,
    { firstOffset, nowMs, lastMs }: Place & { readonly lastMs: number },
  ): void {
    const before = this.get(marker.producerId, nowMs);
    this.#set(afterMarker(before, marker, { lastMs, heardMs: nowMs }), firstOffset, nowMs);
  }

  /** Changes before the offset will not be taken back. */
  settle(offset: number): void {
    const open = this.#pending.findIndex((change) => change.offset >= offset);
    this.#pending = open < 0 ? [] : this.#pending.slice(open);
  }

  /** What was appended from the offset on is not in the log after all. */
  takeBack(offset: number): void {
    for (let last = this.#pending.at(-1); last !== undefined && last.offset >= offset;) {
      restore(this.#entries, last);
      this.#pending.pop();
      last = this.#pending.at(-1);
    }
  }

  /** The producers as they were before the batch at the offset. */
  before(offset: number, nowMs: number): readonly ProducerEntry[] {
    const entries = new Map(this.#entries);
    for (const change of this.#pending.toReversed()) {
      if (change.offset >= offset) restore(entries, change);
    }
    return [...entries.values()].filter((entry) => !this.#isForgotten(entry, nowMs));
  }

  #set(entry: ProducerEntry, offset: number, nowMs: number): void {
    this.#pending.push({ offset, id: entry.id, before: this.#entries.get(entry.id) });
    this.#entries.set(entry.id, entry);
    if (this.#entries.size >= this.#sweepAt) this.#sweep(nowMs);
  }

  #sweep(nowMs: number): void {
    for (const entry of this.#entries.values()) {
      if (this.#isForgotten(entry, nowMs)) this.#entries.delete(entry.id);
    }
    this.#sweepAt = Math.max(SWEPT_FROM, this.#entries.size * 2);
  }

  #isForgotten({ openFrom, heardMs }: ProducerEntry, nowMs: number): boolean {
    return openFrom === undefined && nowMs - heardMs >= this.#keepMs;
  }
}

function restore(entries: Map<number, ProducerEntry>, { id, before }: Change): void {
  if (before === undefined) entries.delete(id);
  else entries.set(id, before);
}

/**
 * How far readers of committed records may see, as a fold over the durable batches of a log.
 *
 * Nothing is stable from the first open transaction on: whether its records count is not decided.
 * What lies before that may still end in markers and aborted records, which no reader is given; so
 * the last record that one is given is kept, too (`visibleEnd`).
 *
 * For that, each open transaction keeps what followed its first record, up to the first record of the
 * next one that is open: how far the records of nobody's transaction reach there, and how far those of
 * each open transaction. When it ends this becomes part of the one before, or of what is stable.
 */

import type { TransactionEnd } from "../format/transaction-marker.ts";

export interface OpenTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** The offset after the last record in its stretch that counts already; 0 where there is none. */
  readonly visibleEnd: number;
  /** The offset after the last record in its stretch of each transaction that is open. */
  readonly ends: ReadonlyMap<number, number>;
}

export interface StableState {
  readonly visibleEnd: number;
  /** By their first offsets. */
  readonly open: readonly OpenTransaction[];
}

interface Stretch extends OpenTransaction {
  visibleEnd: number;
  readonly ends: Map<number, number>;
}

export class StableEnd {
  #visibleEnd: number;
  readonly #open: Stretch[];

  constructor({ visibleEnd, open }: StableState = { visibleEnd: 0, open: [] }) {
    this.#visibleEnd = visibleEnd;
    this.#open = open.map((stretch) => ({ ...stretch, ends: new Map(stretch.ends) }));
  }

  /** The first offset that is not decided yet; undefined where all is. */
  get firstOpen(): number | undefined {
    return this.#open[0]?.firstOffset;
  }

  get visibleEnd(): number {
    return this.#visibleEnd;
  }

  get state(): StableState {
    return {
      visibleEnd: this.#visibleEnd,
      open: this.#open.map((stretch) => ({ ...stretch, ends: new Map(stretch.ends) })),
    };
  }

  /** Records of no transaction, up to the offset. */
  plain(nextOffset: number): void {
    const last = this.#open.at(-1);
    if (last === undefined) this.#visibleEnd = nextOffset;
    else last.visibleEnd = nextOffset;
  }

  /** Records of the producer's transaction, which begins with them unless it is open. */
  transactional({
    producerId,
    firstOffset,
    nextOffset,
  }: {
    readonly producerId: number;
    readonly firstOffset: number;
    readonly nextOffset: number;
  }): void {
    if (this.#indexOf(producerId) < 0) {
      this.#open.push({ producerId, firstOffset, visibleEnd: 0, ends: new Map() });
    }
    this.#open.at(-1)!.ends.set(producerId, nextOffset);
  }

  /** Ends the producer's transaction. Returns its first offset, undefined where none was open. */
  ended(producerId: number, kind: TransactionEnd): number | undefined {
    const index = this.#indexOf(producerId);
    if (index < 0) return undefined;
    for (const stretch of this.#open.slice(index)) {
      const end = stretch.ends.get(producerId);
      stretch.ends.delete(producerId);
      if (kind === "commit" && end !== undefined) {
        stretch.visibleEnd = Math.max(stretch.visibleEnd, end);
      }
    }
    const [gone] = this.#open.splice(index, 1);
    const before = this.#open[index - 1];
    const { visibleEnd, ends } = gone!;
    if (before === undefined) {
      this.#visibleEnd = Math.max(this.#visibleEnd, visibleEnd);
    } else {
      before.visibleEnd = Math.max(before.visibleEnd, visibleEnd);
      for (const [id, end] of ends) before.ends.set(id, end);
    }
    return gone!.firstOffset;
  }

  #indexOf(producerId: number): number {
    return this.#open.findIndex((stretch) => stretch.producerId === producerId);
  }
}

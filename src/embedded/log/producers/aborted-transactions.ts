/** The aborted transactions of a log whose records may still be read, by the offsets of their markers. */

export interface AbortedTransaction {
  readonly producerId: number;
  /** Of its first record. */
  readonly firstOffset: number;
  /** Of its marker. */
  readonly lastOffset: number;
}

/** With the stable end once it had ended: what ends later began there or behind it. */
export interface AbortedWithStable extends AbortedTransaction {
  readonly stableEnd: number;
}

/** Those of a moment: what is forgotten later, with the segments it lies in, is still in it. */
export type KnownAborted = Pick<AbortedTransactions, "overlapping" | "includes">;

export class AbortedTransactions {
  #ended: AbortedWithStable[];

  constructor(ended: readonly AbortedWithStable[] = []) {
    this.#ended = [...ended];
  }

  /** Markers come in the order of their offsets. */
  add(transaction: AbortedWithStable): void {
    this.#ended.push(transaction);
  }

  /**
   * Costs nothing, because the list is shared: `add` puts behind its end what lies behind the present
   * stable end, where nobody reads yet, and `trimBefore` leaves it as it is.
   */
  now(): KnownAborted {
    const now = new AbortedTransactions();
    now.#ended = this.#ended;
    return now;
  }

  /** Those that have offsets in `from` up to, without, `to`. */
  overlapping(from: number, to: number): readonly AbortedTransaction[] {
    const found: AbortedTransaction[] = [];
    for (let index = this.#firstEndingAt(from); index < this.#ended.length; index++) {
      const { stableEnd, ...transaction } = this.#ended[index]!;
      if (transaction.firstOffset < to) found.push(transaction);
      if (stableEnd >= to) break;
    }
    return found;
  }

  /** Whether the transaction that the producer's record at the offset belongs to was aborted. */
  includes({
    producerId,
    offset,
  }: {
    readonly producerId: number;
    readonly offset: number;
  }): boolean {
    const there = this.overlapping(offset, offset + 1);
    return there.some((transaction) => transaction.producerId === producerId);
  }

  endedFrom(offset: number): readonly AbortedWithStable[] {
    return this.#ended.slice(this.#firstEndingAt(offset));
  }

  /** Forgets those that ended before the offset, in a new list: see `now`. */
  trimBefore(offset: number): void {
    this.#ended = this.#ended.slice(this.#firstEndingAt(offset));
  }

  #firstEndingAt(offset: number): number {
    let low = 0;
    let high = this.#ended.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#ended[middle]!.lastOffset < offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

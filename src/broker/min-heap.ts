/** A binary heap of items by number, smallest first. Equal numbers come in no particular order. */
export class MinHeap<Item extends object> {
  readonly #keys: number[] = [];
  readonly #items: Item[] = [];

  get size(): number {
    return this.#keys.length;
  }

  /** The smallest number, or undefined when empty. */
  get minKey(): number | undefined {
    return this.#keys[0];
  }

  get min(): Item | undefined {
    return this.#items[0];
  }

  push(key: number, item: Item): void {
    let at = this.#keys.length;
    this.#keys.push(key);
    this.#items.push(item);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.#keys[parent]! <= key) break;
      this.#keys[at] = this.#keys[parent]!;
      this.#items[at] = this.#items[parent]!;
      at = parent;
    }
    this.#keys[at] = key;
    this.#items[at] = item;
  }

  pop(): Item | undefined {
    const min = this.#items[0];
    const key = this.#keys.pop();
    const item = this.#items.pop();
    if (key !== undefined && item !== undefined && this.#keys.length > 0) this.#sink(key, item);
    return min;
  }

  /** Keeps only the items that pass; takes time in proportion to the size. */
  retain(keep: (item: Item, key: number) => boolean): void {
    const kept = this.#items.map((item, index) => ({ item, key: this.#keys[index]! }));
    this.#keys.length = 0;
    this.#items.length = 0;
    for (const { item, key } of kept) if (keep(item, key)) this.push(key, item);
  }

  /** Puts the pair, which was the last, in at the top and moves it down to its place. */
  #sink(key: number, item: Item): void {
    const length = this.#keys.length;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= length) break;
      if (child + 1 < length && this.#keys[child + 1]! < this.#keys[child]!) child++;
      if (this.#keys[child]! >= key) break;
      this.#keys[at] = this.#keys[child]!;
      this.#items[at] = this.#items[child]!;
      at = child;
    }
    this.#keys[at] = key;
    this.#items[at] = item;
  }
}

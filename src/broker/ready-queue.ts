/**
 * Items that may be taken, lowest sequence first.
 *
 * Nearly all come in ascending order and go through a plain buffer in constant time; those that
 * come back out of order (released, redriven) go through a heap. The lower head of the two is next.
 */

import { MinHeap } from "./min-heap.ts";

export class ReadyQueue<Item extends { readonly sequence: number }> {
  #buffer: (Item | undefined)[] = [];
  #head = 0;
  #last = -1;
  readonly #early = new MinHeap<Item>();

  get size(): number {
    return this.#buffer.length - this.#head + this.#early.size;
  }

  push(item: Item): void {
    if (item.sequence > this.#last) {
      this.#last = item.sequence;
      this.#buffer.push(item);
    } else {
      this.#early.push(item.sequence, item);
    }
  }

  peek(): Item | undefined {
    const first = this.#buffer[this.#head];
    const early = this.#early.min;
    if (early === undefined) return first;
    return first === undefined || early.sequence <= first.sequence ? early : first;
  }

  pop(): Item | undefined {
    const item = this.peek();
    if (item === undefined) return undefined;
    if (item === this.#early.min) {
      this.#early.pop();
      return item;
    }
    this.#buffer[this.#head++] = undefined;
    if (this.#head === this.#buffer.length) {
      this.#buffer.length = 0;
      this.#head = 0;
    } else if (this.#head > 1024 && this.#head * 2 > this.#buffer.length) {
      this.#buffer = this.#buffer.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}

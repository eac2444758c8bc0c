/** Output whose length is not known before: grows by doubling, up to a limit. */

import { copyLiterals, copyMatch } from "./copies.ts";

export class GrowingBuffer {
  length = 0;
  #bytes: Buffer;
  readonly #bytesMax: number;
  readonly #overflow: () => Error;

  constructor({
    expectedBytes,
    bytesMax,
    overflow,
  }: {
    readonly expectedBytes: number;
    readonly bytesMax: number;
    /** Makes the error that is thrown at the limit. */
    readonly overflow: () => Error;
  }) {
    this.#bytes = Buffer.allocUnsafe(Math.min(expectedBytes, bytesMax));
    this.#bytesMax = bytesMax;
    this.#overflow = overflow;
  }

  append(source: Buffer, from: number, to: number): void {
    this.#reserve(to - from);
    copyLiterals(this.#bytes, this.length, { source, from, to });
    this.length += to - from;
  }

  /** The distance is at least 1 and at most `length`. */
  repeat(distance: number, length: number): void {
    this.#reserve(length);
    copyMatch(this.#bytes, { at: this.length, distance, length });
    this.length += length;
  }

  contents(): Buffer {
    return this.#bytes.subarray(0, this.length);
  }

  #reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.#bytes.length) return;
    if (needed > this.#bytesMax) throw this.#overflow();
    const size = Math.min(this.#bytesMax, Math.max(needed, this.#bytes.length * 2));
    const grown = Buffer.allocUnsafe(size);
    grown.set(this.contents());
    this.#bytes = grown;
  }
}

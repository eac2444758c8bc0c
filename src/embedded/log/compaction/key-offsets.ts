/**
 * The newest offset of each key, in bounded memory: a table of hashes in typed arrays, 24 bytes a slot,
 * half of the slots free. Keys are known by 16 bytes of their SHA-256, so that nobody can write two keys
 * that are taken for one.
 */

import { hash } from "node:crypto";

const SLOTS_MIN = 1024;

export class KeyOffsets {
  readonly capacity: number;
  size = 0;
  readonly #hashes: Uint32Array;
  /** Offset plus one; 0 is a free slot. */
  readonly #offsets: Float64Array;
  readonly #mask: number;

  /** `capacity` is the number of different keys that fit. */
  constructor(capacity: number) {
    let slots = SLOTS_MIN;
    while (slots < capacity * 2) slots *= 2;
    this.capacity = capacity;
    this.#mask = slots - 1;
    this.#hashes = new Uint32Array(slots * 4);
    this.#offsets = new Float64Array(slots);
  }

  /** Offsets of a key come in rising order. Returns false where there is no room for one more key. */
  set(key: KeyHash, offset: number): boolean {
    const slot = this.#slotOf(key);
    if (this.#offsets[slot] === 0) {
      if (this.size === this.capacity) return false;
      this.size++;
      for (let word = 0; word < 4; word++) this.#hashes[slot * 4 + word] = key[word]!;
    }
    this.#offsets[slot] = offset + 1;
    return true;
  }

  get(key: KeyHash): number | undefined {
    const stored = this.#offsets[this.#slotOf(key)]!;
    return stored === 0 ? undefined : stored - 1;
  }

  #slotOf(key: KeyHash): number {
    const hashes = this.#hashes;
    for (let slot = key[0] & this.#mask; ; slot = (slot + 1) & this.#mask) {
      if (this.#offsets[slot] === 0) return slot;
      const at = slot * 4;
      const same =
        hashes[at] === key[0] &&
        hashes[at + 1] === key[1] &&
        hashes[at + 2] === key[2] &&
        hashes[at + 3] === key[3];
      if (same) return slot;
    }
  }
}

export type KeyHash = readonly [number, number, number, number];

export function hashKey(key: Buffer): KeyHash {
  const digest = hash("sha256", key, "buffer");
  return [
    digest.readUInt32BE(0),
    digest.readUInt32BE(4),
    digest.readUInt32BE(8),
    digest.readUInt32BE(12),
  ];
}

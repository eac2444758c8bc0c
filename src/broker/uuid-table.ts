/**
 * Finds 128-bit ids that stand in a ring of slots: a hash table without objects.
 *
 * The table holds slot numbers only, by open addressing with linear probing; the bits themselves
 * stand beside each slot and every find compares all of them, so two ids are never taken for one. An
 * id that would lie further than `PROBES_MAX` from its home is refused: whoever chooses ids so that
 * they collide gets a slower place for them, not a slow broker. Removing moves later ids back towards
 * their home, so there are no tombstones and the bound keeps holding.
 */

const PROBES_MAX = 64;
const TEXT_LENGTH = 36;
const TEXT_DIGITS = 32;

/** The id being looked for: 128 bits in four words, and the number of its source. */
export class UuidKey {
  a = 0;
  b = 0;
  c = 0;
  d = 0;
  source = 0;

  /** Takes the bits of a UUID in the form of RFC 9562, in lower case; false for any other text. */
  parse(text: string): boolean {
    if (text.length !== TEXT_LENGTH) return false;
    let bits = 0;
    let wrong = 0;
    for (let at = 0; at < TEXT_LENGTH; at++) {
      const code = text.charCodeAt(at);
      if (at === 8 || at === 13 || at === 18 || at === 23) {
        wrong |= code ^ HYPHEN;
        continue;
      }
      const digit = DIGITS[code & 127]!;
      wrong |= (code >>> 7) | (digit & 16);
      // Eight digits fill a word and push the ones before out of it.
      bits = (bits << 4) | digit;
      if (at === 7) this.a = bits;
      else if (at === 17) this.b = bits;
      else if (at === 27) this.c = bits;
    }
    this.d = bits;
    return wrong === 0;
  }

  /** The text that `parse` read. */
  text(): string {
    const words = [this.a, this.b, this.c, this.d];
    const hex = words.map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
    const ends = [0, 8, 12, 16, 20, TEXT_DIGITS];
    return ends
      .slice(1)
      .map((end, index) => hex.slice(ends[index], end))
      .join("-");
  }
}

const HYPHEN = 45;
/** The values of lower-case hexadecimal digits by their codes; 16 for any other character. */
const DIGITS = new Uint8Array(128).fill(16);
for (let digit = 0; digit < 16; digit++) DIGITS[digit.toString(16).charCodeAt(0)] = digit;

export class UuidTable {
  /** A slot plus one; 0 where nothing stands. Twice as many places as slots. */
  readonly #places: Int32Array;
  readonly #mask: number;
  /** Five words a slot: the four of the id and the source. */
  readonly #words: Int32Array;

  /** `slots` is a power of two. */
  constructor(slots: number) {
    this.#places = new Int32Array(slots * 2);
    this.#mask = slots * 2 - 1;
    this.#words = new Int32Array(slots * 5);
  }

  /** The slot of the id, or -1. */
  find(key: UuidKey): number {
    const words = this.#words;
    let at = homeOf(key.a, key.b, key.c, key.d, key.source) & this.#mask;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const slot = this.#places[at]! - 1;
      if (slot < 0) return -1;
      const word = slot * 5;
      if (
        words[word + 3] === key.d &&
        words[word + 2] === key.c &&
        words[word + 1] === key.b &&
        words[word] === key.a &&
        words[word + 4] === key.source
      ) {
        return slot;
      }
      at = (at + 1) & this.#mask;
    }
    return -1;
  }

  /** Puts an id that is not there at `slot`; false where there is no room near its home. */
  add(key: UuidKey, slot: number): boolean {
    const { a, b, c, d, source } = key;
    let at = homeOf(a, b, c, d, source) & this.#mask;
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      if (this.#places[at] === 0) {
        this.#places[at] = slot + 1;
        const word = slot * 5;
        this.#words[word] = a;
        this.#words[word + 1] = b;
        this.#words[word + 2] = c;
        this.#words[word + 3] = d;
        this.#words[word + 4] = source;
        return true;
      }
      at = (at + 1) & this.#mask;
    }
    return false;
  }

  /** Takes the slot's id out. */
  remove(slot: number): void {
    const places = this.#places;
    let hole = this.#home(slot);
    while (places[hole] !== slot + 1) hole = (hole + 1) & this.#mask;
    for (let at = (hole + 1) & this.#mask; places[at] !== 0; at = (at + 1) & this.#mask) {
      const fromHome = (at - this.#home(places[at]! - 1)) & this.#mask;
      if (fromHome < ((at - hole) & this.#mask)) continue;
      places[hole] = places[at]!;
      hole = at;
    }
    places[hole] = 0;
  }

  /** Reads the slot's id into `key`. */
  read(slot: number, key: UuidKey): void {
    const word = slot * 5;
    key.a = this.#words[word]!;
    key.b = this.#words[word + 1]!;
    key.c = this.#words[word + 2]!;
    key.d = this.#words[word + 3]!;
    key.source = this.#words[word + 4]!;
  }

  #home(slot: number): number {
    const word = slot * 5;
    const words = this.#words;
    const [a, b, c] = [words[word]!, words[word + 1]!, words[word + 2]!];
    return homeOf(a, b, c, words[word + 3]!, words[word + 4]!) & this.#mask;
  }
}

/** Where an id belongs, before the mask. Mixes as MurmurHash3 does: UUIDs of one moment differ in few bits. */
export function homeOf(a: number, b: number, c: number, d: number, source: number): number {
  let hash = Math.imul(a ^ Math.imul(source + 1, 0x9e3779b1), 0x85ebca6b);
  hash = Math.imul((hash ^ (hash >>> 15) ^ b) | 0, 0xc2b2ae35);
  hash = Math.imul((hash ^ (hash >>> 13) ^ c) | 0, 0x85ebca6b);
  hash = Math.imul((hash ^ (hash >>> 15) ^ d) | 0, 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

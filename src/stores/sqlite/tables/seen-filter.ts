/**
 * Which ids an input's window may hold, in memory that both threads see: a Bloom filter
 * (https://doi.org/10.1145/362686.362692). Before each handler of a stranger's message stands the
 * question whether its id was seen. Nearly always it was not, and then the asking thread knows it by
 * itself, while the worker may be in the middle of a commit.
 *
 * It never says no to an id that the window holds: the worker adds an id before the commit that
 * remembers it, thus before anybody learns of that commit. A filter that no longer gets every id (it
 * is full, or a rollback made the worker forget the input) is retired first, and the next question
 * goes to the worker, which builds another. Ids that the window has dropped stay in it; for them, and
 * for the few that look alike, the worker is asked.
 */

const BITS_PER_ID = 12;
const PROBES = 4;
/** The first word says whether the filter is retired. */
const RETIRED = 0;
const FIRST_WORD = 1;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const SECOND_SEED = 0x9e3779b9;

export class SeenFilter {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array;
  readonly #bits: number;

  constructor(memory: SharedArrayBuffer) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
    this.#bits = (this.#words.length - FIRST_WORD) * 32;
  }

  /** An empty filter in which one of about 250 unknown ids looks known when it holds `idsMax`. */
  static forIds(idsMax: number): SeenFilter {
    const words = FIRST_WORD + Math.ceil((idsMax * BITS_PER_ID) / 32);
    return new SeenFilter(new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT));
  }

  get retired(): boolean {
    return Atomics.load(this.#words, RETIRED) === 1;
  }

  retire(): void {
    Atomics.store(this.#words, RETIRED, 1);
  }

  add(id: string): void {
    const step = hash(id, SECOND_SEED) | 1;
    for (let probe = 0, at = hash(id, FNV_OFFSET); probe < PROBES; probe++, at += step) {
      const bit = (at >>> 0) % this.#bits;
      Atomics.or(this.#words, FIRST_WORD + (bit >>> 5), 1 << (bit & 31));
    }
  }

  /** False: the window surely does not hold the id. */
  mayHold(id: string): boolean {
    const step = hash(id, SECOND_SEED) | 1;
    for (let probe = 0, at = hash(id, FNV_OFFSET); probe < PROBES; probe++, at += step) {
      const bit = (at >>> 0) % this.#bits;
      const word = Atomics.load(this.#words, FIRST_WORD + (bit >>> 5));
      if ((word & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }
}

/** FNV-1a over the text's units, with a last mixing: close ids must differ in all bits. */
function hash(text: string, seed: number): number {
  let mixed = seed;
  for (let at = 0; at < text.length; at++) {
    mixed = Math.imul(mixed ^ text.charCodeAt(at), FNV_PRIME);
  }
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  return mixed ^ (mixed >>> 13);
}

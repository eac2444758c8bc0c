/**
 * Chooses partitions as Kafka's Java producer does, so that a key lies in the same partition
 * whoever wrote it: `toPositive(murmur2(key bytes)) % partitions` (Kafka's `BuiltInPartitioner`).
 *
 * Keyless messages have no home; they are spread evenly.
 */

const SEED = 0x9747b28c | 0;
const M = 0x5bd1e995;

const encoder = new TextEncoder();

function mixWord(hash: number, word: number): number {
  let k = Math.imul(word, M);
  k ^= k >>> 24;
  return Math.imul(hash, M) ^ Math.imul(k, M);
}

function finish(hash: number): number {
  let h = hash;
  h ^= h >>> 13;
  h = Math.imul(h, M);
  return h ^ (h >>> 15);
}

/** Murmur2 of 32 bits with Kafka's seed; a signed number, as in Java. */
export function murmur2(bytes: Uint8Array): number {
  const length = bytes.length;
  const whole = length & ~3;
  let h = SEED ^ length;
  for (let i = 0; i < whole; i += 4) {
    h = mixWord(
      h,
      bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24),
    );
  }
  const left = length - whole;
  if (left === 3) h ^= bytes[whole + 2]! << 16;
  if (left >= 2) h ^= bytes[whole + 1]! << 8;
  if (left >= 1) h = Math.imul(h ^ bytes[whole]!, M);
  return finish(h);
}

/** Murmur2 of the text's UTF-8 bytes, without making them where the text is ASCII. */
function murmur2OfText(text: string): number {
  const length = text.length;
  const whole = length & ~3;
  let h = SEED ^ length;
  let seen = 0;
  for (let i = 0; i < whole; i += 4) {
    const a = text.charCodeAt(i);
    const b = text.charCodeAt(i + 1);
    const c = text.charCodeAt(i + 2);
    const d = text.charCodeAt(i + 3);
    seen |= a | b | c | d;
    h = mixWord(h, a | (b << 8) | (c << 16) | (d << 24));
  }
  const left = length - whole;
  for (let i = whole; i < length; i++) seen |= text.charCodeAt(i);
  if (seen > 0x7f) return murmur2(encoder.encode(text));
  if (left === 3) h ^= text.charCodeAt(whole + 2) << 16;
  if (left >= 2) h ^= text.charCodeAt(whole + 1) << 8;
  if (left >= 1) h = Math.imul(h ^ text.charCodeAt(whole), M);
  return finish(h);
}

/** The partition of a key. The empty key is a key like any other. */
export function partitionOfKey(key: string | Uint8Array, partitions: number): number {
  const hash = typeof key === "string" ? murmur2OfText(key) : murmur2(key);
  return (hash & 0x7fffffff) % partitions;
}

/**
 * Spreads keyless messages: each call's share is cut into contiguous runs, one a partition, so that
 * a big call makes few, large batches; small calls take the partitions in turn.
 */
export class KeylessSpread {
  #next = 0;
  #current = 0;
  /** The length of this call's runs, and how much of the current one is left. */
  #run = 1;
  #left = 0;
  readonly #partitions: number;

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  /** Begins a call with `count` keyless messages. */
  begin(count: number): void {
    this.#left = 0;
    this.#run = Math.max(1, Math.ceil(count / this.#partitions));
  }

  /** The partition of the call's next keyless message. */
  next(): number {
    if (this.#left === 0) {
      this.#current = this.#next;
      this.#next = (this.#next + 1) % this.#partitions;
      this.#left = this.#run;
    }
    this.#left--;
    return this.#current;
  }
}

/** What the compressors of snappy and lz4 share: a greedy search for what came before. */

/** `input[from, to)` repeats what stands `distance` bytes before it. */
export interface Match {
  readonly from: number;
  readonly to: number;
  readonly distance: number;
}

const HASH_BITS = 14;
const MATCH_BYTES_MIN = 4;
/** Both formats name a distance in two bytes. */
const DISTANCE_MAX = 65_535;

/**
 * Yields matches in `input[start, end)` that do not overlap, in order, none reaching into the last
 * `literalTail` bytes. Fast rather than thorough.
 */
export function* findMatches(
  input: Buffer,
  { start, end, literalTail }: { start: number; end: number; literalTail: number },
): Generator<Match> {
  // Places are kept plus one; 0 is none.
  const places = new Uint32Array(1 << HASH_BITS);
  const matchEnd = end - literalTail;
  const searchEnd = Math.min(matchEnd, end - 3) - MATCH_BYTES_MIN;
  let at = start;
  for (let misses = 0; at <= searchEnd;) {
    const word = input.readUInt32LE(at);
    const hash = Math.imul(word, 0x9e3779b1) >>> (32 - HASH_BITS);
    const before = places[hash]! - 1;
    places[hash] = at + 1;
    const distance = at - before;
    if (before < start || distance > DISTANCE_MAX || input.readUInt32LE(before) !== word) {
      // What does not compress is passed over ever faster.
      at += 1 + (misses++ >> 5);
      continue;
    }
    let to = at + MATCH_BYTES_MIN;
    while (to < matchEnd && input[to] === input[to - distance]) to++;
    yield { from: at, to, distance };
    at = to;
    misses = 0;
  }
}

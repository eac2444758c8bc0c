/**
 * What a request names, each only once. A name takes a few bytes of a request, and what is told of it can
 * take thousands: who repeats it would make the broker do, or hold, that much for every few bytes.
 */

export class AskedOnce {
  readonly #asked = new Map<string, Set<number>>();

  /** Whether the partition comes for the first time. */
  isFirst(name: string, partition: number): boolean {
    let partitions = this.#asked.get(name);
    if (partitions === undefined) this.#asked.set(name, (partitions = new Set()));
    if (partitions.has(partition)) return false;
    partitions.add(partition);
    return true;
  }
}

/** The first of each key, in the order of the request. */
export function firstOfEach<Named>(
  asked: readonly Named[],
  keyOf: (one: Named) => string,
): readonly Named[] {
  const first = new Map<string, Named>();
  for (const one of asked) {
    const key = keyOf(one);
    if (!first.has(key)) first.set(key, one);
  }
  return [...first.values()];
}

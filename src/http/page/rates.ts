/** How fast counters grow, from one look at them to the next. */

/** Looks closer together than this share a rate: two viewers must not leave each other noise. */
const APART_MS_MIN = 1_000;

interface Look {
  readonly atMs: number;
  readonly counts: ReadonlyMap<string, number>;
}

export class RateMeter {
  #before: Look | undefined;
  #last: Look | undefined;

  /** Per second, by name; without those that were not there at the look before. */
  rates(counts: ReadonlyMap<string, number>, atMs: number): ReadonlyMap<string, number> {
    const now = { atMs, counts };
    if (this.#last === undefined || atMs - this.#last.atMs >= APART_MS_MIN) {
      this.#before = this.#last;
      this.#last = now;
    }
    const since = this.#last === now ? this.#before : (this.#before ?? this.#last);
    if (since === undefined || atMs <= since.atMs) return new Map();
    const seconds = (atMs - since.atMs) / 1000;
    const found = new Map<string, number>();
    for (const [name, count] of counts) {
      const earlier = since.counts.get(name);
      // A counter that fell was begun anew.
      if (earlier !== undefined && count >= earlier) found.set(name, (count - earlier) / seconds);
    }
    return found;
  }
}

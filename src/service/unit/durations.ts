/**
 * How long work took, in buckets whose number never grows: a counter for each bound, whatever the load.
 *
 * Bounds are those a person would ask about, from a fold in memory to a call that hangs.
 */

export const DURATION_BOUNDS_MS: readonly number[] = [0.1, 1, 5, 25, 100, 500, 2_500, 10_000];

export interface DurationSummary {
  /** How many took at most `DURATION_BOUNDS_MS[i]` and longer than the bound before; the last, longer than all. */
  readonly counts: readonly number[];
  readonly sumMs: number;
}

export class Durations {
  readonly #counts: number[] = Array.from({ length: DURATION_BOUNDS_MS.length + 1 }, () => 0);
  #sumMs = 0;

  note(ms: number): void {
    let bucket = 0;
    while (bucket < DURATION_BOUNDS_MS.length && ms > DURATION_BOUNDS_MS[bucket]!) bucket++;
    this.#counts[bucket]!++;
    this.#sumMs += ms;
  }

  summary(): DurationSummary {
    return { counts: [...this.#counts], sumMs: this.#sumMs };
  }
}

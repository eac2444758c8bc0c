/**
 * Counts a repository's events within a window of event time and tells when the count crosses the
 * threshold upwards. Pure: the consumer keeps the state in a document.
 */

export const HOT_COUNT = 4;
export const WINDOW_MS = 60_000;

export interface Heat {
  /** Event times within the window that ends with the newest, ascending. */
  readonly timesMs: readonly number[];
}

export const COLD: Heat = { timesMs: [] };

/** The heat after one more event. Events may come late; one older than the window changes nothing. */
export function heatUp(
  heat: Heat,
  timeMs: number,
): { readonly heat: Heat; readonly crossed: boolean } {
  const all = [...heat.timesMs, timeMs].toSorted((a, b) => a - b);
  const newestMs = all.at(-1) ?? timeMs;
  const timesMs = all.filter((each) => newestMs - each < WINDOW_MS);
  const crossed = heat.timesMs.length < HOT_COUNT && timesMs.length >= HOT_COUNT;
  return { heat: { timesMs }, crossed };
}

/** What is known of a segment without its file, and its name. */

export interface SegmentFacts {
  readonly baseOffset: number;
  readonly bytes: number;
  readonly nextOffset: number;
  readonly oldestMs: number;
  readonly newestMs: number;
  /** Whether producers with ids have written to the log up to its end. */
  readonly producers: boolean;
}

export function emptyFacts(baseOffset: number, producers: boolean): SegmentFacts {
  return { baseOffset, bytes: 0, nextOffset: baseOffset, oldestMs: 0, newestMs: 0, producers };
}

export function segmentName(baseOffset: number): string {
  return String(baseOffset).padStart(20, "0");
}

/** The bounds that hold on every store (law 12). */
export const STORE_LIMITS = {
  /** One document's JSON as UTF-8. */
  documentBytesMax: 4 * 1024 * 1024,
  /** Names, ids and keys, in UTF-16 units. */
  nameLengthMax: 1024,
  setsMax: 10_000,
  /** Messages of one batch, with all that surrounds them. */
  batchBytesMax: 64 * 1024 * 1024,
  /** Ranges of finished offsets above a position, and open holes of a lane. */
  rangesMax: 10_000,
  queryLimitMax: 1000,
  indexesMax: 16,
} as const;

/**
 * How long the inbox remembers the ids of strangers' messages, per consumer and input. An id is
 * forgotten when either bound is passed.
 */
export interface IdWindow {
  readonly count: number;
  readonly ms: number;
}

export const DEFAULT_ID_WINDOW: IdWindow = { count: 100_000, ms: 24 * 60 * 60 * 1000 };

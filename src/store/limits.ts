/** The bounds that hold on every store (law 12). */
export interface StoreLimits {
  /** One document's JSON as UTF-8. */
  readonly documentBytesMax: number;
  /** One effect's answer, as JSON in UTF-8. */
  readonly effectBytesMax: number;
  /** Names, ids and keys, in UTF-16 units. */
  readonly nameLengthMax: number;
  readonly setsMax: number;
  /** Messages of one batch, with all that surrounds them. */
  readonly batchBytesMax: number;
  /** Ranges of finished offsets above a position, and open holes of a lane. */
  readonly rangesMax: number;
  readonly queryLimitMax: number;
  /** Rows that one call forgets by age where it does not say. */
  readonly trimLimit: number;
  readonly indexesMax: number;
}

export const STORE_LIMITS: StoreLimits = {
  documentBytesMax: 4 * 1024 * 1024,
  effectBytesMax: 1024 * 1024,
  nameLengthMax: 1024,
  setsMax: 10_000,
  batchBytesMax: 64 * 1024 * 1024,
  rangesMax: 10_000,
  queryLimitMax: 1000,
  trimLimit: 1000,
  indexesMax: 16,
};

/**
 * How long the inbox remembers the ids of strangers' messages, per consumer and input. An id is
 * forgotten when either bound is passed.
 */
export interface IdWindow {
  readonly count: number;
  readonly ms: number;
}

export const DEFAULT_ID_WINDOW: IdWindow = { count: 100_000, ms: 24 * 60 * 60 * 1000 };

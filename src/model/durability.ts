/** How safely and how long messages are kept: words that declarations and brokers share. */

/** `fsync`: synced before acknowledged. `interval`: synced every so often, the loss window. `memory`: never. */
export type Durability =
  | { readonly mode: "fsync" }
  | { readonly mode: "interval"; readonly intervalMs: number }
  | { readonly mode: "memory" };

/** A message may go once any limit is passed. Whole segments go, so a little more than this is kept. */
export interface Retention {
  readonly ageMs?: number;
  /** Per partition. */
  readonly bytes?: number;
  /** Messages per partition. */
  readonly count?: number;
}

/** Of each key the newest message is kept; older ones go after a while, and deletions after them. */
export interface Compaction {
  /** A message stays at least so long, whatever comes after it. */
  readonly minLagMs?: number;
  /** A message that another one has replaced goes about this long after it came, at the latest. */
  readonly maxLagMs?: number;
  /** How long a deletion (a message without a value) can still be read; 24 hours unless said. */
  readonly tombstoneMs?: number;
}

/** Ids seen within the window (both bounds) are dropped when they come again. */
export interface DedupeWindow {
  readonly count: number;
  readonly ms: number;
}

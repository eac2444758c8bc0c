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

/** Ids seen within the window (both bounds) are dropped when they come again. */
export interface DedupeWindow {
  readonly count: number;
  readonly ms: number;
}

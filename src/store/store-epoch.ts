/**
 * The epoch of a store that is made now: seconds since 1970.
 *
 * A store that is made anew in the place of a lost one counts the messages of its lanes from the start
 * again. Whoever has seen the lost one's would take them for repeats, and drop them, if only the lane
 * and the sequence told them apart.
 */
export function newStoreEpoch(nowMs: number): number {
  return Math.max(1, Math.floor(nowMs / 1000));
}

/**
 * Offsets that transactions have sent to groups and that have not become positions yet.
 *
 * While one is pending, a reader that asks for stable offsets is told to come again (KIP-447): it would
 * otherwise begin where the last transaction has not ended. A group that is deleted takes what is
 * pending with it.
 */
export interface PendingOffsets {
  isPending(group: string, stream: string, partition: number): boolean;
  /** Forgets what is pending for the group, so that no transaction's end brings it back. */
  drop(group: string): void;
}

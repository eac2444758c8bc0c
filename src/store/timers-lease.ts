/**
 * The name of the lease on a consumer's timers. It stands among the lanes of the outbox, whose names
 * begin with that of a part; no part's name begins with a slash.
 */
export function timersLease(consumer: string): string {
  return `/timers/${consumer}`;
}

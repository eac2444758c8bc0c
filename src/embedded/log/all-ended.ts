/** Waits for the end of all of them, whatever one of them answers; then rejects as the first that failed. */
export async function allEnded(ends: readonly Promise<unknown>[]): Promise<void> {
  for (const end of await Promise.allSettled(ends)) {
    if (end.status === "rejected") throw end.reason;
  }
}

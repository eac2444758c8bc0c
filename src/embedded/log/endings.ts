/** Waits for the end of all of them, whatever one of them answers; then rejects as the first that failed. */
export async function allEnded(ends: readonly Promise<unknown>[]): Promise<void> {
  for (const end of await Promise.allSettled(ends)) {
    if (end.status === "rejected") throw end.reason;
  }
}

/** Throws the error once what has to end because of it has ended, however that went. */
export async function throwAfter(failure: unknown, end: Promise<unknown>): Promise<never> {
  await Promise.allSettled([end]);
  throw failure;
}

/**
 * Waits for the end of all of them, whatever one of them answers; then returns what they returned, or
 * rejects as the first that failed.
 */
export async function allEnded<Value>(ends: readonly Promise<Value>[]): Promise<Value[]> {
  const values: Value[] = [];
  for (const end of await Promise.allSettled(ends)) {
    if (end.status === "rejected") throw end.reason;
    values.push(end.value);
  }
  return values;
}

/** Throws the error once what has to end because of it has ended, however that went. */
export async function throwAfter(failure: unknown, end: Promise<unknown>): Promise<never> {
  await Promise.allSettled([end]);
  throw failure;
}

/**
 * Lets at most so many syncs run at once in the process.
 *
 * Each sync blocks one of libuv's four threads; with two of them taken, reads and writes of other
 * partitions still get through. Waiting syncs start in the order of their arrival.
 */
export interface SyncGate {
  run(sync: () => Promise<void>): Promise<void>;
}

export function createSyncGate(concurrent = 2): SyncGate {
  const waiting: (() => void)[] = [];
  let free = concurrent;
  return {
    async run(sync) {
      if (free > 0) free--;
      else await new Promise<void>((resolve) => waiting.push(resolve));
      try {
        await sync();
      } finally {
        const next = waiting.shift();
        if (next === undefined) free++;
        else next();
      }
    },
  };
}

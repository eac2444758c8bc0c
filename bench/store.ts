/** The SQLite store: synced batches of events, and reading all of them back. */

import { sqlite } from "../src/stores/sqlite/sqlite.ts";
import type { Store } from "../src/store/store.ts";
import { createMessages, environment, RUN_MS } from "./load.ts";
import type { Benchmark } from "./harness.ts";

const BATCH = 256;
const CALLERS = 8;
const REPLAY_EVENTS = 200_000;
const PAGE = 10_000;

/** `CALLERS` callers append batches of one event to each of `BATCH` new entities while `more` says so. */
async function appendEvents(store: Store, more: (written: number) => boolean): Promise<number> {
  const next = createMessages(100);
  let begun = 0;
  let written = 0;
  const caller = async (): Promise<void> => {
    while (more(begun)) {
      const first = begun;
      begun += BATCH;
      const sets = Array.from({ length: BATCH }, (_, index) => {
        const entity = `entity-${first + index}`;
        return { key: entity, finishes: [], events: [{ entity, expected: 0, events: [next()] }] };
      });
      const { sets: outcomes } = await store.apply({ sets });
      if (outcomes.some(({ status }) => status !== "applied"))
        throw new Error("a set was left out");
      written += outcomes.length;
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return written;
}

async function withStore<Result>(
  directory: string,
  use: (store: Store) => Promise<Result>,
): Promise<Result> {
  await using store = await sqlite({ directory }).open({ service: "bench", environment });
  return await use(store);
}

async function replay(store: Store): Promise<number> {
  const written = await appendEvents(store, (begun) => begun < REPLAY_EVENTS);
  const startedMs = performance.now();
  let read = 0;
  for (let after = 0; ;) {
    const events = await store.readEvents({ after, limit: PAGE });
    read += events.length;
    const last = events.at(-1);
    if (last === undefined) break;
    after = last.sequence;
  }
  if (read !== written) throw new Error(`wrote ${written} events and read ${read}`);
  return read / ((performance.now() - startedMs) / 1000);
}

export const benchmark: Benchmark = {
  name: "store",
  cases: [
    {
      figures: [
        {
          name: `events, batches of ${BATCH}, synced`,
          unit: "events/s",
          goal: { atLeast: 100_000 },
          synced: true,
        },
      ],
      run: (directory) =>
        withStore(directory, async (store) => {
          const startedMs = performance.now();
          const count = await appendEvents(store, () => performance.now() - startedMs < RUN_MS);
          return [count / ((performance.now() - startedMs) / 1000)];
        }),
    },
    {
      figures: [
        { name: `replay of ${REPLAY_EVENTS} events`, unit: "events/s", goal: { atLeast: 500_000 } },
      ],
      run: (directory) => withStore(directory, async (store) => [await replay(store)]),
    },
  ],
};

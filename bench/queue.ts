/** Durable queue messages of 1 KiB in process: sent, received and accepted, all at once. */

import { createMessages, openEmbedded, RUN_MS } from "./load.ts";
import type { Benchmark } from "./harness.ts";

const SENDERS = 64;
const BATCH = 16;
const CREDIT = 1024;

/** Sends from 64 callers while one receiver takes and accepts; counts what was accepted. */
async function roundTrips(directory: string): Promise<number> {
  await using broker = await openEmbedded(directory);
  const { queues } = broker;
  await queues.ensureQueue({ name: "bench", depthMax: 10_000_000 });
  const next = createMessages(1024);
  const startedMs = performance.now();
  const endMs = startedMs + RUN_MS;
  let sent = 0;
  let sending = true;
  let accepted = 0;

  const sender = async (): Promise<void> => {
    while (performance.now() < endMs) {
      const outcomes = await queues.send(
        "bench",
        Array.from({ length: BATCH }, () => ({ message: next() })),
      );
      const failure = outcomes.find((outcome) => !outcome.ok);
      if (failure?.ok === false) throw failure.error;
      sent += outcomes.length;
    }
  };
  const receiver = await queues.receive("bench", { credit: CREDIT });
  const settling = new Set<Promise<void>>();
  const receiving = (async () => {
    for await (const leases of receiver) {
      const settled = queues.accept(leases).then(async (outcomes) => {
        const failure = outcomes.find((outcome) => !outcome.ok);
        if (failure?.ok === false) throw failure.error;
        accepted += outcomes.length;
        settling.delete(settled);
        if (!sending && accepted === sent) await receiver.close();
      });
      settling.add(settled);
    }
    await Promise.all(settling);
  })();
  await Promise.all(Array.from({ length: SENDERS }, sender));
  sending = false;
  if (accepted === sent) await receiver.close();
  await receiving;
  return accepted / ((performance.now() - startedMs) / 1000);
}

export const benchmark: Benchmark = {
  name: "queue",
  cases: [
    {
      figures: [
        {
          name: "send + receive + accept, 1 KiB",
          unit: "messages/s",
          goal: { atLeast: 100_000 },
          synced: true,
        },
      ],
      run: async (directory) => [await roundTrips(directory)],
    },
  ],
};

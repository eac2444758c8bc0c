/** Durable appends to one stream of the embedded broker in process, a promise each. */

import { closedLoop, createMessages, openEmbedded } from "./load.ts";
import { percentile, type Benchmark, type Case } from "./harness.ts";

function appends(options: { bytes: number; inFlight: number; goal: number; p99?: number }): Case {
  const { bytes, inFlight, goal, p99 } = options;
  const name = `append ${bytes} B, ${inFlight} in flight`;
  return {
    figures: [
      { name, unit: "messages/s", goal: { atLeast: goal }, synced: true },
      { name: `${name}, p99`, unit: "ms", ...(p99 !== undefined && { goal: { atMost: p99 } }) },
    ],
    run: async (directory) => {
      await using broker = await openEmbedded(directory);
      await broker.streams.ensureStream({
        name: "bench",
        partitions: 1,
        retention: { bytes: 256 * 1024 * 1024 },
        dedupe: { count: 10_000, ms: 60_000 },
      });
      const next = createMessages(bytes);
      const { perSecond, latenciesMs } = await closedLoop(inFlight, async () => {
        const [outcome] = await broker.streams.append("bench", [next()]);
        if (outcome?.ok !== true) throw outcome?.error ?? new Error("no outcome");
      });
      return [perSecond, percentile(latenciesMs, 0.99)];
    },
  };
}

export const benchmark: Benchmark = {
  name: "append",
  cases: [
    appends({ bytes: 100, inFlight: 1024, goal: 1_000_000, p99: 5 }),
    appends({ bytes: 1024, inFlight: 1024, goal: 300_000, p99: 5 }),
    appends({ bytes: 100, inFlight: 1, goal: 4000 }),
  ],
};

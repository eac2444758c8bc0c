/** From append to handler on an idle system, and to a view's committed document. */

import { join } from "node:path";
import { z } from "zod";
import { consumer, event, openApp, service, stream, view } from "../src/index.ts";
import { embedded } from "../src/embedded/embedded.ts";
import { sqlite } from "../src/stores/sqlite/sqlite.ts";
import { percentile, type Benchmark, type Figure } from "./harness.ts";
import { RUN_MS } from "./load.ts";

const Ticked = event("bench.ticked", z.object({ sequence: z.number().int(), sentMs: z.number() }), {
  key: ({ sequence }) => `key-${sequence % 10}`,
});
const ticks = stream("ticks", { Ticked }, { partitions: 1 });

/** One event at a time; the next is published when the last one was handled and committed. */
async function handlerLatencies(directory: string): Promise<number[]> {
  const latenciesMs: number[] = [];
  let arrived = Promise.withResolvers<void>();
  const meter = consumer("meter", { from: ticks }).handle({
    Ticked: async ({ sentMs }) => {
      latenciesMs.push(performance.now() - sentMs);
      arrived.resolve();
    },
  });
  const last = view("last", { from: ticks, initial: { sequence: -1 } }).evolve({
    Ticked: (_, { sequence }) => ({ sequence }),
  });
  await using app = await openApp({
    services: [service("bench", { meter, last })],
    broker: embedded({ directory: join(directory, "broker") }),
    store: sqlite({ directory: join(directory, "stores") }),
    log: { level: "error" },
  });
  const endMs = performance.now() + RUN_MS;
  for (let sequence = 0; performance.now() < endMs; sequence++) {
    arrived = Promise.withResolvers<void>();
    const published = app.publish(Ticked({ sequence, sentMs: performance.now() }));
    await Promise.all([published, arrived.promise]);
    await app.settled();
  }
  return latenciesMs;
}

const figures: readonly Figure[] = [
  { name: "append to handler, idle, p50", unit: "ms" },
  { name: "append to handler, idle, p99", unit: "ms", goal: { atMost: 2 } },
];

export const benchmark: Benchmark = {
  name: "latency",
  cases: [
    {
      figures,
      run: async (directory) => {
        const latenciesMs = await handlerLatencies(directory);
        return [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.99)];
      },
    },
  ],
};

/**
 * Many partitions that are written at once, each append synced: in process and over the wire. A round
 * of appends has one record of 1 KiB for every partition; beside the rate stands how long such a round
 * takes. Appends a second must not fall as the partitions grow in number.
 */

import { partitionOfKey } from "../src/broker/partitioner.ts";
import { percentile, type Benchmark, type Case, type Figure } from "./harness.ts";
import { closedLoop, createMessages, openEmbedded } from "./load.ts";
import { measureProduce } from "./wire/produce-consume.ts";
import { startOurs, type Target } from "./wire/target.ts";

const PARTITIONS = [1, 6, 64, 256] as const;
const RECORD_BYTES = 1024;
/** Rounds under way at once, so that groups gather. */
const IN_FLIGHT = 4;

function figures(where: string, partitions: number): readonly Figure[] {
  const name = `${where}, ${partitions} dirty partition${partitions > 1 ? "s" : ""}`;
  return [
    { name, unit: "appends/s", synced: true },
    { name: `${name}, a round, p50`, unit: "ms" },
    { name: `${name}, a round, p99`, unit: "ms" },
  ];
}

/** A key for each partition. */
function keysOf(partitions: number): readonly string[] {
  const keys: string[] = [];
  for (let number = 0, found = 0; found < partitions; number++) {
    const partition = partitionOfKey(`key-${number}`, partitions);
    if (keys[partition] !== undefined) continue;
    keys[partition] = `key-${number}`;
    found++;
  }
  return keys;
}

function inProcess(partitions: number): Case {
  return {
    figures: figures("in process", partitions),
    run: async (directory) => {
      await using broker = await openEmbedded(directory);
      await broker.streams.ensureStream({ name: "bench", partitions });
      const next = createMessages(RECORD_BYTES);
      const keys = keysOf(partitions);
      const { perSecond, latenciesMs } = await closedLoop(IN_FLIGHT, async () => {
        const round = keys.map((key) => ({ ...next(), key }));
        for (const outcome of await broker.streams.append("bench", round)) {
          if (!outcome.ok) throw outcome.error;
        }
      });
      const [p50, p99] = [percentile(latenciesMs, 0.5), percentile(latenciesMs, 0.99)];
      return [perSecond * partitions, p50, p99];
    },
  };
}

let server: Target | undefined;

function overTheWire(partitions: number): Case {
  return {
    figures: figures("Kafka protocol", partitions),
    run: async () => {
      if (server === undefined) throw new Error("the server was not started");
      const { recordsPerSecond, p50Ms, p99Ms } = await measureProduce(server, {
        recordBytes: RECORD_BYTES,
        batchBytes: RECORD_BYTES,
        partitions,
        connections: IN_FLIGHT,
        configs: { "flush.messages": "1" },
      });
      return [recordsPerSecond, p50Ms, p99Ms];
    },
  };
}

export const benchmark: Benchmark = {
  name: "partitions",
  prepare: async () => {
    server = await startOurs();
  },
  close: async () => {
    await server?.[Symbol.asyncDispose]();
  },
  cases: [...PARTITIONS.map(inProcess), ...PARTITIONS.map(overTheWire)],
};

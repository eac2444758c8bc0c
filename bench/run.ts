/**
 * `npm run bench -- NAME [--rounds N] [--json]`: medians of alternating runs beside the goals, as a
 * table and a closing list of goals on stderr, and as JSON on stdout. `BENCH_DIRECTORY` chooses the
 * disk. `wire` takes `--against PEER` and `--only TEXT`.
 */

import { parseArgs } from "node:util";
import { measure, summary, table, type Benchmark } from "./harness.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: "string" },
    json: { type: "boolean", default: false },
    against: { type: "string" },
    only: { type: "string", default: "" },
  },
});
const PEERS = ["kafka", "kfake", "rabbitmq"] as const;
const against = PEERS.find((peer) => peer === values.against);

const BENCHMARKS: Readonly<Record<string, () => Promise<{ readonly benchmark: Benchmark }>>> = {
  append: () => import("./append.ts"),
  queue: () => import("./queue.ts"),
  commands: () => import("./commands.ts"),
  jobs: () => import("./jobs.ts"),
  latency: () => import("./latency.ts"),
  partitions: () => import("./partitions.ts"),
  service: () => import("./service.ts"),
  store: () => import("./store.ts"),
  start: () => import("./start.ts"),
  wire: async () => {
    const { createBenchmark } = await import("./wire.ts");
    return { benchmark: createBenchmark({ against, only: values.only }) };
  },
};

const ROUNDS = 5;
const rounds = values.rounds === undefined ? undefined : Number(values.rounds);
const names = positionals.length > 0 ? positionals : Object.keys(BENCHMARKS);
const unknown = names.filter((name) => BENCHMARKS[name] === undefined);

const isPeerUnknown = values.against !== undefined && against === undefined;

if (
  unknown.length > 0 ||
  isPeerUnknown ||
  (rounds !== undefined && !(Number.isInteger(rounds) && rounds >= 1))
) {
  console.error(
    `usage: npm run bench -- [${Object.keys(BENCHMARKS).join("|")}] [--rounds 5] [--json] [--against ${PEERS.join("|")}] [--only TEXT]`,
  );
  process.exitCode = 2;
} else {
  for (const name of names) {
    const { benchmark } = await BENCHMARKS[name]!();
    const report = await measure(benchmark, rounds ?? benchmark.rounds ?? ROUNDS);
    if (!values.json) {
      console.error(
        `${name}: ${report.machine}; ${report.fdatasyncPerSecond} fdatasync/s; ${report.rounds} rounds`,
      );
      console.error(table(report));
      console.error(summary(report));
    }
    console.log(JSON.stringify(report));
  }
}

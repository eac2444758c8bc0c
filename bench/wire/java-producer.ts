/** The official Java producer, by Kafka's own ProducerPerformance. */

import { join } from "node:path";
import { installKafka } from "../../scripts/brokers/kafka/install.ts";
import { processorSeconds } from "../../scripts/brokers/processes.ts";
import { runProgram } from "../../scripts/process/run-program.ts";
import { RUN_MS } from "../load.ts";
import type { WireLoad, WireResult } from "./produce-consume.ts";
import { withTopic, type Target } from "./target.ts";

/** What a run of one second sends; the first quarter warms the Java machine and does not count. */
const BYTES_PER_SECOND = 100 * 1024 * 1024;
const WARM_UP_SHARE = 0.25;
const SUMMARY =
  /^(\d+) records sent, ([\d.]+) records\/sec \(([\d.]+) MB\/sec\).* (\d+) ms 50th, .* (\d+) ms 99th/gm;
/** Of the tool's megabytes. */
const MEBIBYTE = 2 ** 20;

export async function measureJavaProducer(target: Target, load: WireLoad): Promise<WireResult> {
  const library = join(await installKafka(), "lib", "*");
  return withTopic(target, load, async (topic) => {
    const records = Math.ceil(((RUN_MS / 1000) * BYTES_PER_SECOND) / load.recordBytes);
    const usedBefore = processorSeconds(target.pid);
    const { stdout } = await runProgram("java", [
      "-Xmx512m",
      "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
      "-cp",
      library,
      "org.apache.kafka.tools.ProducerPerformance",
      `--topic=${topic}`,
      `--num-records=${records}`,
      `--warmup-records=${Math.floor(records * WARM_UP_SHARE)}`,
      `--record-size=${load.recordBytes}`,
      "--throughput=-1",
      "--command-property",
      `bootstrap.servers=${target.kafka.host}:${target.kafka.port}`,
      "acks=all",
    ]);
    const used = processorSeconds(target.pid) - usedBefore;
    const summary = [...stdout.matchAll(SUMMARY)].at(-1);
    if (summary === undefined) throw new Error(`no summary in what the producer told:\n${stdout}`);
    const [, , perSecond, mebibytes, median, p99] = summary.map(Number);
    return {
      megabytesPerSecond: (mebibytes! * MEBIBYTE) / 1e6,
      recordsPerSecond: perSecond!,
      processorSecondsPerGigabyte: used / ((records * load.recordBytes) / 1e9),
      p50Ms: median!,
      p99Ms: p99!,
    };
  });
}

/** Kafka's own reader of segments, over every file that the other cases have left. */

import { globSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ClientCase } from "../client-case.ts";

/** On one command line. */
const FILES_MAX = 200;
/** What the tool says of a batch, and the words with which it complains. */
const BATCH = /^baseOffset: .* isvalid: true/gm;
const COMPLAINT = /isvalid: false|Found invalid|Non-consecutive|Exception|error/i;

export const DUMP_LOG: readonly ClientCase[] = [
  {
    name: "dump-log segments",
    demands: { dumped: 1, complaints: 0 },
    timeoutMs: 240_000,
    last: true,
    run: async ({ server, tools, kafka, name }) => {
      const lines = Array.from({ length: 100 }, (_, index) => `line ${index}\n`).join("");
      await tools.kcat(["-b", kafka, "-P", "-t", name("topic")], { input: lines });
      await server.stop();
      const files = globSync(join(server.dataFolder, "**", "*.log")).filter(
        (file) => statSync(file).size > 0,
      );
      let batches = 0;
      const complaints: string[] = [];
      for (let at = 0; at < files.length; at += FILES_MAX) {
        const some = files.slice(at, at + FILES_MAX).join(",");
        const { stdout, stderr } = await tools.kafkaClass(
          "org.apache.kafka.tools.DumpLogSegments",
          ["--deep-iteration", "--files", some],
        );
        batches += stdout.match(BATCH)?.length ?? 0;
        complaints.push(
          ...`${stdout}\n${stderr}`.split("\n").filter((line) => COMPLAINT.test(line)),
        );
      }
      if (complaints.length > 0) throw new Error(complaints.slice(0, 20).join("\n"));
      return { dumped: batches > 0 && files.length > 0 ? 1 : 0, complaints: complaints.length };
    },
  },
];

import { join } from "node:path";
import { type ClientCase, countsOf } from "../client-case.ts";

const LINES = 2000;
const WORDS = 4;

export const KAFKA_STREAMS: readonly ClientCase[] = ["at_least_once", "exactly_once_v2"].map(
  (guarantee): ClientCase => ({
    name: `kafka-streams ${guarantee}`,
    demands: { lines: LINES, words: WORDS, counted: 2 * LINES },
    timeoutMs: 240_000,
    run: async ({ kafka, name, tools, folder }) => {
      const [input, output, application] = [name("input"), name("output"), name("application")];
      for (const topic of [input, output]) {
        await tools.kafkaClass("org.apache.kafka.tools.TopicCommand", [
          "--bootstrap-server",
          kafka,
          "--create",
          "--topic",
          topic,
          "--partitions",
          "2",
        ]);
      }
      const state = join(folder, "state");
      const args = [kafka, input, output, application, state, guarantee, String(LINES)];
      return countsOf(await tools.java("WordCount.java", args));
    },
  }),
);

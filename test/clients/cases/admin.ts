/** Those who administer topics: create, describe, configure, grow, trim and delete them. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ClientCase, type ClientPlace, countsOf } from "../client-case.ts";

const TOOLS = "org.apache.kafka.tools";

/** Runs one of Kafka's command-line tools, each a Java machine of its own. */
async function kafkaTool(
  { kafka, tools }: ClientPlace,
  name: string,
  args: readonly string[],
  input?: string,
): Promise<string> {
  const { stdout, stderr } = await tools.kafkaClass(
    name,
    ["--bootstrap-server", kafka, ...args],
    input === undefined ? {} : { input },
  );
  return stdout + stderr;
}

function count(text: string, pattern: RegExp): number {
  return text.match(pattern)?.length ?? 0;
}

/** `topic:partition:offset` a line, as GetOffsetShell prints them. */
function offsetSum(text: string): number {
  return [...text.matchAll(/:\d+:(\d+)$/gm)].reduce((sum, [, offset]) => sum + Number(offset), 0);
}

export const ADMIN: readonly ClientCase[] = [
  {
    name: "kafkajs admin",
    demands: {
      created: 1,
      again: 0,
      listed: 1,
      left: 0,
      brokers: 1,
      partitions: 4,
      retentionMs: -1,
      messageBytesMax: 5000,
      low: 4,
      high: 10,
    },
    run: async ({ kafka, name, tools }) =>
      countsOf(await tools.node("kafkajs-admin.mjs", [kafka, name("topic")])),
  },
  {
    name: "platformatic admin",
    demands: {
      partitions: 2,
      replicas: 1,
      policies: 2,
      segmentMs: 60_000,
      configs: 33,
      low: 4,
      high: 10,
      onDisk: 1,
      listed: 1,
      left: 0,
    },
    run: async ({ kafka, name, tools }) =>
      countsOf(await tools.node("platformatic-admin.mjs", [kafka, name("topic")])),
  },
  {
    name: "kcat metadata",
    demands: { brokers: 1, partitions: 1, leaders: 1 },
    async run({ kafka, name, tools }) {
      const topic = name("topic");
      await tools.kcat(["-b", kafka, "-t", topic, "-P"], { input: "a\nb\n" });
      const { stdout } = await tools.kcat(["-b", kafka, "-L", "-t", topic]);
      return {
        brokers: count(stdout, /^ {2}broker 0 at 127\.0\.0\.1:/gm),
        partitions: count(stdout, /^ {4}partition \d+/gm),
        leaders: count(stdout, /leader 0, replicas: 0, isrs: 0$/gm),
      };
    },
  },
  {
    name: "kafka-tools refusals",
    timeoutMs: 120_000,
    demands: { topicExists: 1, configNamed: 1, brokerConfigs: 1 },
    async run(place) {
      const topic = place.name("topic");
      const create = ["--create", "--topic", topic, "--replication-factor", "3"];
      await kafkaTool(place, `${TOOLS}.TopicCommand`, create);
      const again = await kafkaTool(place, `${TOOLS}.TopicCommand`, create).catch(String);
      const run = (...args: readonly string[]): Promise<string> =>
        kafkaTool(place, "kafka.admin.ConfigCommand", args);
      const entity = ["--entity-type", "topics", "--entity-name", topic];
      const wrong = ["--add-config", "retention.ms=soon"];
      const refused = await run("--alter", ...entity, ...wrong).catch(String);
      const broker = ["--entity-type", "brokers", "--entity-name", "0", "--all"];
      const told = await run("--describe", ...broker);
      return {
        topicExists: count(again, /TopicExistsException/g),
        configNamed: Number(/InvalidConfigurationException: retention\.ms/.test(refused)),
        brokerConfigs: count(told, /^ {2}log\.flush\.interval\.messages=1 /gm),
      };
    },
  },
  {
    name: "kafka-tools offsets",
    timeoutMs: 120_000,
    demands: { sent: 150, begins: 5, newest: 1, onDisk: 1, apis: 37 },
    async run(place) {
      const topic = place.name("topic");
      const lines = Array.from({ length: 100 }, (_, n) => `${n}\n`).join("");
      await kafkaTool(place, `${TOOLS}.ConsoleProducer`, ["--topic", topic], lines);
      const load = ["--num-records", "50", "--record-size", "100", "--throughput", "-1"];
      await kafkaTool(place, `${TOOLS}.ProducerPerformance`, ["--topic", topic, ...load]);
      const offsets = (...args: readonly string[]): Promise<string> =>
        kafkaTool(place, `${TOOLS}.GetOffsetShell`, ["--topic", topic, ...args]);
      const file = join(place.folder, "delete.json");
      const partitions = [{ topic, partition: 0, offset: 5 }];
      await writeFile(file, JSON.stringify({ version: 1, partitions }));
      await kafkaTool(place, `${TOOLS}.DeleteRecordsCommand`, ["--offset-json-file", file]);
      const dirs = await kafkaTool(place, `${TOOLS}.LogDirsCommand`, [
        "--describe",
        "--topic-list",
        topic,
      ]);
      const versions = await kafkaTool(place, `${TOOLS}.BrokerApiVersionsCommand`, []);
      return {
        sent: offsetSum(await offsets()),
        begins: offsetSum(await offsets("--time", "earliest")),
        newest: count(await offsets("--time", "max-timestamp"), /:0:\d+$/gm),
        onDisk: count(dirs, /"size":[1-9]\d{3}/g),
        apis: count(versions, /\(\d+\): \d+(?: to \d+)? \[usable: \d+\]/g),
      };
    },
  },
];

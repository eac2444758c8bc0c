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
    name: "kafka-tools topics",
    timeoutMs: 120_000,
    demands: { created: 1, refused: 1, described: 3, grown: 5, left: 0 },
    async run(place) {
      const topic = place.name("topic");
      const run = (...args: readonly string[]): Promise<string> =>
        kafkaTool(place, `${TOOLS}.TopicCommand`, [...args, "--topic", topic]);
      const create = ["--create", "--partitions", "3", "--replication-factor", "3"];
      const created = await run(...create, "--config", "retention.ms=60000");
      const again = await run("--create").catch(String);
      const described = await run("--describe");
      await run("--alter", "--partitions", "5");
      const grown = await run("--describe");
      await run("--delete");
      return {
        created: count(created, /^Created topic/gm),
        refused: count(again, /TopicExistsException/g),
        described: count(described, /Partition: \d+\s+Leader: 0\s+Replicas: 0\s+Isr: 0/g),
        grown: count(grown, /Partition: \d+\s+Leader: 0/g),
        left: count(await run("--list"), new RegExp(`^${topic}$`, "gm")),
      };
    },
  },
  {
    name: "kafka-tools configs",
    timeoutMs: 120_000,
    demands: { set: 1, refused: 1, told: 1, deleted: 0, broker: 1 },
    async run(place) {
      const topic = place.name("topic");
      await kafkaTool(place, `${TOOLS}.TopicCommand`, ["--create", "--topic", topic]);
      const run = (...args: readonly string[]): Promise<string> =>
        kafkaTool(place, "kafka.admin.ConfigCommand", args);
      const entity = ["--entity-type", "topics", "--entity-name", topic];
      const set = await run("--alter", ...entity, "--add-config", "retention.ms=60000");
      const wrong = ["--add-config", "retention.ms=soon"];
      const refused = await run("--alter", ...entity, ...wrong).catch(String);
      const told = await run("--describe", ...entity);
      await run("--alter", ...entity, "--delete-config", "retention.ms");
      const deleted = await run("--describe", ...entity);
      const broker = ["--entity-type", "brokers", "--entity-name", "0", "--all"];
      return {
        set: count(set, /^Completed updating config/gm),
        refused: Number(/InvalidConfigurationException: retention\.ms/.test(refused)),
        told: count(told, /DYNAMIC_TOPIC_CONFIG:retention\.ms=60000/g),
        deleted: count(deleted, /DYNAMIC_TOPIC_CONFIG:retention\.ms/g),
        broker: count(
          await run("--describe", ...broker),
          /^ {2}log\.flush\.interval\.messages=1 /gm,
        ),
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

/** Apache Kafka's own command line tools. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ClientCase, ClientPlace } from "../client-case.ts";

const RECORDS = 1000;
const TOOLS = "org.apache.kafka.tools";
/** A tool is a Java machine of its own, and a case several of them. */
const TIMEOUT_MS = 180_000;

/** A case's tools: the output of one with its arguments, and the bootstrap address before them. */
type Run = (tool: string, args: readonly string[], input?: string) => Promise<string>;

function toolsOf({ kafka, tools }: ClientPlace): Run {
  return async (tool, args, input) => {
    const given = ["--bootstrap-server", kafka, ...args];
    const name = tool.includes("kafka.") ? tool : `${TOOLS}.${tool}`;
    const { stdout } = await tools.kafkaClass(name, given, input === undefined ? {} : { input });
    return stdout;
  };
}

/** Arguments as one would type them; none of the names here has a space. */
const words = (text: string): readonly string[] => text.split(" ");

const occurrences = (text: string, part: string | RegExp): number => text.split(part).length - 1;

/** The sum of the offsets that GetOffsetShell tells, one partition a line. */
function sumOfOffsets(text: string): number {
  const offsets = text.matchAll(/^.+:\d+:(\d+)$/gm);
  return [...offsets].reduce((sum, [, offset]) => sum + Number(offset), 0);
}

function lines(count: number): string {
  return Array.from({ length: count }, (_, index) => `key-${index % 7}:${index}\n`).join("");
}

async function produce(run: Run, topic: string, count: number = RECORDS): Promise<void> {
  const keyed = ["--reader-property", "parse.key=true", "--reader-property", "key.separator=:"];
  await run("ConsoleProducer", ["--topic", topic, ...keyed], lines(count));
}

async function createTopic(run: Run, topic: string, partitions: number): Promise<void> {
  const layout = ["--partitions", String(partitions), "--replication-factor", "1"];
  await run("TopicCommand", ["--create", "--topic", topic, ...layout]);
}

export const KAFKA_TOOLS: readonly ClientCase[] = [
  {
    name: "kafka-tools topics",
    demands: { listed: 1, described: 3, afterGrowth: 5, afterDelete: 0 },
    timeoutMs: TIMEOUT_MS,
    run: async (place) => {
      const run = toolsOf(place);
      const topic = place.name("topic");
      await createTopic(run, topic, 3);
      const list = (): Promise<string> => run("TopicCommand", ["--list"]);
      const describe = (): Promise<string> => run("TopicCommand", ["--describe", "--topic", topic]);
      const listed = occurrences(await list(), topic);
      const described = occurrences(await describe(), "Leader: ");
      await run("TopicCommand", ["--alter", "--topic", topic, "--partitions", "5"]);
      const afterGrowth = occurrences(await describe(), "Leader: ");
      await run("TopicCommand", ["--delete", "--topic", topic]);
      return { listed, described, afterGrowth, afterDelete: occurrences(await list(), topic) };
    },
  },
  {
    name: "kafka-tools configs",
    demands: { set: 1, deleted: 0, defaults: 1 },
    timeoutMs: TIMEOUT_MS,
    run: async (place) => {
      const run = toolsOf(place);
      const topic = place.name("topic");
      await createTopic(run, topic, 1);
      const entity = ["--entity-type", "topics", "--entity-name", topic];
      const command = "kafka.admin.ConfigCommand";
      const described = async (...args: readonly string[]): Promise<string> =>
        run(command, ["--describe", ...entity, ...args]);
      await run(command, ["--alter", ...entity, "--add-config", "retention.ms=61000"]);
      const set = occurrences(await described(), /^ +retention\.ms=61000 /m);
      await run(command, ["--alter", ...entity, "--delete-config", "retention.ms"]);
      const deleted = occurrences(await described(), "retention.ms=61000");
      const defaults = occurrences(await described("--all"), /^ +max\.message\.bytes=\d+ /m);
      return { set, deleted, defaults };
    },
  },
  {
    name: "kafka-tools console",
    demands: { read: RECORDS, distinct: RECORDS },
    timeoutMs: TIMEOUT_MS,
    run: async (place) => {
      const run = toolsOf(place);
      const topic = place.name("topic");
      await produce(run, topic);
      const limits = ["--max-messages", String(RECORDS), "--timeout-ms", "30000"];
      const text = await run("consumer.ConsoleConsumer", [
        "--topic",
        topic,
        "--from-beginning",
        ...limits,
      ]);
      const read = text.split("\n").filter((line) => /^\d+$/.test(line));
      return { read: read.length, distinct: new Set(read).size };
    },
  },
  {
    name: "kafka-tools verifiable",
    demands: { acknowledged: RECORDS, consumed: RECORDS },
    timeoutMs: TIMEOUT_MS,
    run: async (place) => {
      const run = toolsOf(place);
      const topic = place.name("topic");
      const limit = ["--topic", topic, "--max-messages", String(RECORDS)];
      const produced = await run("VerifiableProducer", [...limit, "--acks", "-1"]);
      const group = ["--group-id", place.name("group"), "--reset-policy", "earliest"];
      const read = await run("VerifiableConsumer", [...limit, ...group]);
      const consumed = read
        .split("\n")
        .filter((line) => line.includes('"name":"records_consumed"'))
        .reduce((sum, line) => sum + Number(/"count":(\d+)/.exec(line)?.[1] ?? 0), 0);
      return { acknowledged: occurrences(produced, '"producer_send_success"'), consumed };
    },
  },
  {
    name: "kafka-tools performance",
    demands: { sent: 20_000, consumed: 20_000 },
    timeoutMs: TIMEOUT_MS,
    run: async (place) => {
      const run = toolsOf(place);
      const count = ["--topic", place.name("topic"), "--num-records", "20000"];
      const load = ["--record-size", "100", "--throughput", "-1"];
      const sent = await run("ProducerPerformance", [...count, ...load]);
      const read = await run("ConsumerPerformance", [...count, "--timeout", "30000"]);
      const figures = read.trimEnd().split("\n").at(-1)?.split(", ") ?? [];
      return {
        sent: Number(/^(\d+) records sent, [^\n]*99\.9th/m.exec(sent)?.[1]),
        consumed: Number(figures[4]),
      };
    },
  },
  {
    name: "kafka-tools consumer-groups",
    demands: { listed: 1, lagAtEnd: 0, endAtEnd: RECORDS, lagAfterReset: RECORDS, afterDelete: 0 },
    timeoutMs: TIMEOUT_MS,
    run: async (place) => {
      const run = toolsOf(place);
      const [topic, group] = [place.name("topic"), place.name("group")];
      await produce(run, topic);
      await run("consumer.ConsoleConsumer", [
        ...words(`--topic ${topic} --group ${group} --from-beginning`),
        ...words(`--max-messages ${RECORDS} --timeout-ms 30000`),
      ]);
      const command = "consumer.group.ConsumerGroupCommand";
      const list = (): Promise<string> => run(command, ["--list"]);
      const offsets = async (): Promise<readonly string[]> => {
        const text = await run(command, ["--describe", "--group", group]);
        const row = text.split("\n").find((line) => line.includes(topic));
        return row?.trim().split(/\s+/) ?? [];
      };
      const listed = occurrences(await list(), group);
      const [, , , , endAtEnd, lagAtEnd] = await offsets();
      const reset = ["--reset-offsets", "--to-earliest", "--topic", topic, "--execute"];
      await run(command, [...reset, "--group", group]);
      const [, , , , , lagAfterReset] = await offsets();
      await run(command, ["--delete", "--group", group]);
      return {
        listed,
        lagAtEnd: Number(lagAtEnd),
        endAtEnd: Number(endAtEnd),
        lagAfterReset: Number(lagAfterReset),
        afterDelete: occurrences(await list(), group),
      };
    },
  },
  {
    name: "kafka-tools delete-records",
    demands: { latest: RECORDS, earliest: 0, earliestAfter: 600, byTime: 0 },
    timeoutMs: TIMEOUT_MS,
    run: async (place) => {
      const run = toolsOf(place);
      const topic = place.name("topic");
      await produce(run, topic);
      const offsets = async (time: string): Promise<number> =>
        sumOfOffsets(await run("GetOffsetShell", ["--topic", topic, "--time", time]));
      const [latest, earliest, byTime] = [
        await offsets("latest"),
        await offsets("earliest"),
        await offsets("1000"),
      ];
      const file = join(place.folder, "offsets.json");
      const partitions = [{ topic, partition: 0, offset: 600 }];
      await writeFile(file, JSON.stringify({ partitions, version: 1 }));
      await run("DeleteRecordsCommand", ["--offset-json-file", file]);
      return { latest, earliest, byTime, earliestAfter: await offsets("earliest") };
    },
  },
  {
    name: "kafka-tools transactions",
    demands: { copied: RECORDS, readCommitted: RECORDS, listed: 1, described: 1 },
    timeoutMs: TIMEOUT_MS,
    run: async (place) => {
      const run = toolsOf(place);
      const [from, to, id] = [place.name("from"), place.name("to"), place.name("transaction")];
      await createTopic(run, from, 1);
      await createTopic(run, to, 1);
      await produce(run, from);
      const copier = await place.tools.kafkaClass(`${TOOLS}.TransactionalMessageCopier`, [
        ...words(`--broker-list ${place.kafka} --transactional-id ${id}`),
        ...words(`--input-topic ${from} --input-partition 0 --output-topic ${to}`),
        ...words(`--consumer-group ${place.name("group")} --max-messages ${RECORDS}`),
        ...words("--transaction-size 100 --enable-random-aborts"),
      ]);
      const states = [...copier.stdout.matchAll(/"totalProcessed":(\d+)/g)].map(([, n]) =>
        Number(n),
      );
      const committed = await run("consumer.ConsoleConsumer", [
        ...words(`--topic ${to} --from-beginning --isolation-level read_committed`),
        ...words(`--max-messages ${RECORDS} --timeout-ms 30000`),
      ]);
      const list = await run("TransactionsCommand", ["list"]);
      const describe = await run("TransactionsCommand", ["describe", "--transactional-id", id]);
      return {
        copied: Math.max(0, ...states),
        readCommitted: new Set(committed.split("\n").filter((line) => /^\d+$/.test(line))).size,
        listed: occurrences(list, id),
        described: occurrences(describe, id),
      };
    },
  },
];

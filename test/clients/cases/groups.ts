/** Groups whose members come and go, and the tools that look at them. */

import type { ProgramOutput } from "../../../scripts/process/run-program.ts";
import type { ClientCase, ClientPlace, Counts } from "../client-case.ts";

const MESSAGES = 500;
const NUMBERS = Array.from({ length: MESSAGES }, (_, at) => String(at));
const GROUP_COMMAND = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand";
const VERIFIABLE_CONSUMER = "org.apache.kafka.tools.VerifiableConsumer";

const linesOf = ({ stdout }: ProgramOutput): string[] => stdout.split("\n").filter(Boolean);

async function send({ kafka, tools }: ClientPlace, topic: string): Promise<void> {
  await tools.kcat(["-b", kafka, "-t", topic, "-P"], { input: NUMBERS.join("\n") });
}

/**
 * Two members with this way of assigning read four topics to their ends between them. Some may be read
 * twice, as from Kafka itself: kcat does not wait for what it has read to be committed before it lets go.
 */
async function readTogether(place: ClientPlace, strategy: string): Promise<Counts> {
  const { kafka, tools, name } = place;
  const group = name("group");
  const topics = ["a", "b", "c", "d"].map((letter) => name(letter));
  await Promise.all(topics.map((topic) => send(place, topic)));
  const settings = [`partition.assignment.strategy=${strategy}`, "auto.offset.reset=earliest"];
  const options = settings.flatMap((setting) => ["-X", setting]);
  // Who is given nothing at first is given what the other one leaves.
  const read = (): Promise<ProgramOutput> =>
    tools.kcat(["-b", kafka, "-G", group, ...options, "-f", "%t %s\\n", "-e", ...topics]);
  const outputs = await Promise.all([read(), read()]);
  const values = outputs.flatMap(linesOf);
  const rebalanced = outputs.filter(({ stderr }) => stderr.includes("rebalanced")).length;
  return { distinct: new Set(values).size, rebalanced };
}

/** What Kafka's own tool says of a group before and after its only member has gone. */
async function lookWithTools(place: ClientPlace): Promise<Counts> {
  const { kafka, tools, name } = place;
  const [topic, group] = [name("topic"), name("group")];
  await send(place, topic);
  const consumer = await tools.kafkaClass(VERIFIABLE_CONSUMER, [
    "--bootstrap-server",
    kafka,
    "--topic",
    topic,
    "--group-id",
    group,
    "--group-instance-id",
    "one",
    "--max-messages",
    String(MESSAGES),
    "--reset-policy",
    "earliest",
    // Longer than what follows takes: the tools look at a member that has gone and keeps its place.
    "--session-timeout",
    "90000",
  ]);
  const ask = async (...args: readonly string[]): Promise<string> => {
    const output = await tools.kafkaClass(GROUP_COMMAND, ["--bootstrap-server", kafka, ...args], {
      anyExit: true,
    });
    return `${output.stdout}${output.stderr}`;
  };
  const has = (text: string, ...words: readonly string[]): number =>
    Number(words.every((word) => text.includes(word)));

  const members = await ask("--describe", "--members", "--group", group);
  const refused = await ask("--delete", "--group", group);
  // A static member keeps its place until its session ends or somebody takes it away.
  const removed = await ask("--describe", "--state", "--group", group);
  const listed = await ask("--list", "--state");
  const consumed = consumer.stdout
    .split("\n")
    .filter((line) => line.includes("records_consumed"))
    .reduce((sum, line) => sum + Number(/"count":(\d+)/.exec(line)?.[1] ?? 0), 0);
  return {
    consumed,
    member: has(members, "one"),
    busy: has(refused, "GroupNotEmptyException"),
    described: has(removed, "Stable"),
    listed: has(listed, group),
  };
}

/** Offsets that nobody uses are looked at, put back, and deleted by Kafka's own tool. */
async function repairWithTools(place: ClientPlace): Promise<Counts> {
  const { kafka, tools, name } = place;
  const [topic, group] = [name("topic"), name("group")];
  await send(place, topic);
  const reset = ["-X", "auto.offset.reset=earliest"];
  const read = await tools.kcat(["-b", kafka, "-G", group, ...reset, "-q", "-e", topic]);
  const ask = async (...args: readonly string[]): Promise<string> => {
    const common = ["--bootstrap-server", kafka, "--group", group];
    return (await tools.kafkaClass(GROUP_COMMAND, [...common, ...args])).stdout;
  };
  const lag = await ask("--describe");
  const set = await ask("--reset-offsets", "--topic", topic, "--to-offset", "7", "--execute");
  const after = await ask("--describe");
  const deleted = await ask("--delete-offsets", "--topic", topic);
  const gone = await ask("--delete");
  return {
    read: linesOf(read).length,
    atEnd: Number(new RegExp(`${topic} +0 +${MESSAGES} +${MESSAGES} +0`).test(lag)),
    reset: Number(new RegExp(`${topic} +0 +7`).test(set)),
    behind: Number(new RegExp(`${topic} +0 +7 +${MESSAGES} +${MESSAGES - 7}`).test(after)),
    deletedOffsets: Number(deleted.includes("Successful")),
    deletedGroup: Number(gone.includes("successful")),
  };
}

export const GROUPS: readonly ClientCase[] = [
  {
    name: "kcat balanced group",
    demands: { distinct: 4 * MESSAGES, rebalanced: 2 },
    run: (place) => readTogether(place, "range,roundrobin"),
  },
  {
    name: "kcat cooperative group",
    demands: { distinct: 4 * MESSAGES, rebalanced: 2 },
    run: (place) => readTogether(place, "cooperative-sticky"),
  },
  {
    name: "java static member",
    demands: { consumed: MESSAGES, member: 1, busy: 1, described: 1, listed: 1 },
    timeoutMs: 120_000,
    run: lookWithTools,
  },
  {
    name: "java group repair",
    demands: {
      read: MESSAGES,
      atEnd: 1,
      reset: 1,
      behind: 1,
      deletedOffsets: 1,
      deletedGroup: 1,
    },
    timeoutMs: 120_000,
    run: repairWithTools,
  },
];

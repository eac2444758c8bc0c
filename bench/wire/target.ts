/** What is measured: our server or a peer, each a process of its own that all rounds share. */

import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as after } from "node:timers/promises";
import type { BrokerAddress } from "../../scripts/brokers/broker.ts";
import { startBroker } from "../../scripts/brokers/start-broker.ts";
import { MillraceServer } from "../../test/clients/millrace-server.ts";
import { KafkaConnection } from "./kafka-connection.ts";

export type PeerName = "kafka" | "kfake" | "rabbitmq";

export interface Target extends AsyncDisposable {
  readonly name: string;
  readonly kafka: BrokerAddress;
  readonly amqp: BrokerAddress;
  /** Of the process whose processor time counts. */
  readonly pid: number;
}

/** From `dist` where it was built, as users run it. `BENCH_PROFILE` is a folder for processor profiles. */
export async function startOurs(): Promise<Target> {
  const folder = await mkdtemp(
    join(process.env["BENCH_DIRECTORY"] ?? tmpdir(), "millrace-bench-wire-"),
  );
  const profile = process.env["BENCH_PROFILE"];
  const server = await MillraceServer.start({
    folder,
    built: existsSync("dist/cli/main.js"),
    nodeOptions: profile === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profile}`],
  });
  return {
    name: "millrace",
    kafka: { host: "127.0.0.1", port: server.kafkaPort },
    amqp: { host: "127.0.0.1", port: server.amqpPort },
    get pid() {
      if (server.pid === undefined) throw new Error("the server has ended");
      return server.pid;
    },
    async [Symbol.asyncDispose]() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function startPeer(name: PeerName): Promise<Target> {
  const broker = await startBroker(name, { sync: name === "kfake", heapMebibytes: 1024 });
  return {
    name,
    kafka: broker.address,
    amqp: broker.address,
    get pid() {
      return broker.pid;
    },
    [Symbol.asyncDispose]: () => broker[Symbol.asyncDispose](),
  };
}

export interface TopicSettings {
  readonly partitions: number;
  readonly configs: Readonly<Record<string, string>>;
}

const TRIES_MAX = 100;
const TRY_EVERY_MS = 50;
const NOT_LEADER = new Set([3, 5, 6]);

let topics = 0;

/** Gives `use` a new topic, which is deleted behind it. */
export async function withTopic<Result>(
  target: Target,
  { partitions, configs }: TopicSettings,
  use: (topic: string) => Promise<Result>,
): Promise<Result> {
  const connection = await KafkaConnection.open(target.kafka);
  const name = `bench-${process.pid}-${topics++}`;
  try {
    const { topics: made } = await connection.call("CreateTopics", {
      topics: [
        {
          name,
          numPartitions: partitions,
          replicationFactor: 1,
          // kfake knows no setting for it.
          configs: Object.entries(target.name === "kfake" ? {} : configs).map(([key, value]) => ({
            name: key,
            value,
          })),
        },
      ],
    });
    const [answer] = made;
    if (answer?.errorCode !== 0) {
      throw new Error(`${target.name} made no topic: ${answer?.errorCode} ${answer?.errorMessage}`);
    }
    await untilLed(connection, name, partitions);
    return await use(name);
  } finally {
    await connection.call("DeleteTopics", { topicNames: [name] });
    connection.close();
  }
}

/** A new topic of Kafka has its leaders a moment later. */
async function untilLed(connection: KafkaConnection, name: string, count: number): Promise<void> {
  const partitions = Array.from({ length: count }, (_, partition) => ({
    partition,
    fetchOffset: 0,
    partitionMaxBytes: 1,
  }));
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const { responses } = await connection.call("Fetch", {
      replicaId: -1,
      maxWaitMs: 0,
      minBytes: 0,
      maxBytes: 1,
      sessionEpoch: -1,
      topics: [{ topic: name, partitions }],
    });
    const codes = responses.flatMap((topic) => topic.partitions.map((each) => each.errorCode));
    if (codes.length === count && codes.every((code) => code === 0)) return;
    const strange = codes.find((code) => code !== 0 && !NOT_LEADER.has(code));
    if (strange !== undefined) throw new Error(`${name} answers a fetch with error ${strange}`);
    await after(TRY_EVERY_MS);
  }
  throw new Error(`${name} has no leader`);
}

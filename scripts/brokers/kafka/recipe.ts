/** Apache Kafka 4.3: one node, broker and controller in one, without replication. */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../../process/run-program.ts";
import type { BrokerRecipe, LaunchPlace } from "../broker.ts";
import { answersMetadata } from "../probe.ts";
import { installKafka, javaOptions } from "./install.ts";

const HEAP_MEBIBYTES = 512;

export const recipe: BrokerRecipe = {
  name: "kafka",
  ports: 2,
  stopMsMax: 30_000,
  install: async () => ({ folder: await installKafka() }),
  format: async (place) => {
    const file = await writeProperties(place);
    const tool = [...javaOptions(classPath(place)), "kafka.tools.StorageTool"];
    const { stdout } = await runProgram("java", [...tool, "random-uuid"]);
    const cluster = stdout.trim().split("\n").at(-1) ?? "";
    await runProgram("java", [...tool, "format", "--standalone", "-t", cluster, "-c", file]);
  },
  launch: async (place) => {
    const { heapMebibytes = HEAP_MEBIBYTES } = place.options;
    const heap = [`-Xms${heapMebibytes}m`, `-Xmx${heapMebibytes}m`];
    const log = "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn";
    const file = await writeProperties(place);
    return {
      command: "java",
      args: [...heap, log, "-cp", classPath(place), "kafka.Kafka", file],
      address: { host: "127.0.0.1", port: place.ports[0]! },
    };
  },
  answers: answersMetadata,
};

function classPath({ folder }: LaunchPlace): string {
  return join(folder, "lib", "*");
}

/** Replication factors of 1: the defaults need three brokers, and transactions would wait for them. */
async function writeProperties({ data, ports }: LaunchPlace): Promise<string> {
  const [port, controllerPort] = ports;
  const properties = {
    "process.roles": "broker,controller",
    "node.id": 1,
    "controller.quorum.bootstrap.servers": `127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${port}`,
    "controller.listener.names": "CONTROLLER",
    "log.dirs": join(data, "log"),
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 4,
    "group.initial.rebalance.delay.ms": 0,
  };
  const file = join(data, "server.properties");
  const lines = Object.entries(properties).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(file, lines.join(""));
  return file;
}

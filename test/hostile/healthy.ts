/** Clients that do nothing wrong: how long they wait for each answer. */

import { once } from "node:events";
import { setTimeout as after } from "node:timers/promises";
import rhea, { type Connection, type Sender } from "rhea";
import { text, wireBytes } from "../../src/embedded/log/log-stage.test.ts";
import { Client, HOST } from "./client.ts";

const CLIENTS = 4;
/** Between requests: a load that leaves the server time, so that waiting tells of the attack. */
const PAUSE_MS = 2;
const TOPIC = "healthy";

/** The latency that so great a share of the answers stayed below. */
export function percentile(latenciesMs: readonly number[], share: number): number {
  const sorted = latenciesMs.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
}

export interface HealthyClients {
  /** How long each answer took. Rejects where a request is not answered as it should be. */
  work(durationMs: number): Promise<readonly number[]>;
  close(): void;
}

async function openHealthyKafka(port: number): Promise<HealthyClients> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Client.open(port)));
  await createTopic(clients[0]!, TOPIC);
  const records = (): Buffer => wireBytes([text("healthy")]);
  return {
    work: (durationMs) =>
      workAll(
        durationMs,
        clients.map((client) => () => produce(client, TOPIC, records())),
      ),
    close() {
      for (const { socket } of clients) socket.destroy();
    },
  };
}

/** Each sends to a queue and takes from it what was sent. */
async function openHealthyAmqp(port: number): Promise<HealthyClients> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openAmqp(port)));
  const senders = await Promise.all(
    clients.map(async (connection, at) => {
      const sender = connection.open_sender(`${TOPIC}-${at}`);
      await once(sender, "sendable");
      connection.open_receiver(`${TOPIC}-${at}`);
      return sender;
    }),
  );
  return {
    work: (durationMs) =>
      workAll(
        durationMs,
        senders.map((sender) => () => send(sender, "healthy")),
      ),
    close() {
      for (const connection of clients) connection.close();
    },
  };
}

export const HEALTHY = { kafka: openHealthyKafka, amqp: openHealthyAmqp };

async function workAll(
  durationMs: number,
  requests: readonly (() => Promise<void>)[],
): Promise<readonly number[]> {
  const endsMs = performance.now() + durationMs;
  const taken: number[] = [];
  await Promise.all(
    requests.map(async (request) => {
      while (performance.now() < endsMs) {
        const startedMs = performance.now();
        await request();
        taken.push(performance.now() - startedMs);
        await after(PAUSE_MS);
      }
    }),
  );
  return taken;
}

export async function createTopic(client: Client, name: string): Promise<void> {
  await client.ask("Metadata", { topics: [{ name }], allowAutoTopicCreation: true }, 9);
}

export async function produce(client: Client, topic: string, records: Buffer): Promise<void> {
  const topicData = [{ name: topic, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.ask("Produce", { acks: -1, timeoutMs: 10_000, topicData }, 9);
  const errorCode = responses[0]?.partitionResponses[0]?.errorCode;
  if (errorCode !== 0) throw new Error(`produce was answered with ${errorCode}`);
}

export async function openAmqp(port: number): Promise<Connection> {
  const container = rhea.create_container();
  const connection = container.connect({ host: HOST, port, reconnect: false });
  await once(connection, "connection_open");
  return connection;
}

/** Rejects where it is not accepted, and where the connection ends before. */
export function send(sender: Sender, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const ends = ["accepted", "rejected", "released", "sender_error"] as const;
    const settle = (outcome: (typeof ends)[number]) => (): void => {
      for (const name of ends) sender.removeAllListeners(name);
      sender.connection.off("disconnected", lost);
      if (outcome === "accepted") resolve();
      else reject(new Error(`a message was ${outcome}`));
    };
    const lost = settle("released");
    for (const name of ends) sender.once(name, settle(name));
    sender.connection.on("disconnected", lost);
    sender.send({ body });
  });
}

/**
 * Clients that do nothing wrong: how long they wait for each answer.
 *
 * Each has something to ask at its times, whether or not the server has answered what it asked before, and
 * waits from that time on. A client that asks only once it was answered would ask least while the server
 * stands still, and most of those moments would be missing from its p99.
 */

import { once } from "node:events";
import { setTimeout as after } from "node:timers/promises";
import rhea, { type Connection, type EventContext, type Sender } from "rhea";
import { text, wireBytes } from "../../src/embedded/log/log-stage.test.ts";
import { Client, HOST } from "./client.ts";
import { followCoreWaiting } from "./core-waiting.ts";
import type { Server } from "./stage.ts";

const CLIENTS = 4;
/** Between a client's requests: a load that leaves the server time, so that waiting tells of the attack. */
const PERIOD_MS = 8;
const TOPIC = "healthy";

export interface HealthyClients {
  /** How long each answer was waited for. Rejects where a request is not answered as it should be. */
  work(durationMs: number): Promise<readonly number[]>;
  close(): void;
}

async function openHealthyKafka({ ports, pid }: Server): Promise<HealthyClients> {
  const port = ports.kafka;
  const watch = followBoth(pid);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => Client.open(port)));
  await createTopic(clients[0]!, TOPIC);
  const records = (): Buffer => wireBytes([text("healthy")]);
  return {
    work: (durationMs) =>
      workAll(
        { durationMs, watch },
        clients.map((client) => () => produce(client, TOPIC, records())),
      ),
    close() {
      watch[Symbol.dispose]();
      for (const { socket } of clients) socket.destroy();
    },
  };
}

/** Each sends to a queue and takes from it what was sent. */
async function openHealthyAmqp({ ports, pid }: Server): Promise<HealthyClients> {
  const watch = followBoth(pid);
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => openAmqp(ports.amqp)));
  const senders = await Promise.all(
    clients.map(async (connection, at) => {
      const sender = connection.open_sender(`${TOPIC}-${at}`);
      for (const emitter of [sender, connection]) emitter.setMaxListeners(0);
      await once(sender, "sendable");
      connection.open_receiver(`${TOPIC}-${at}`);
      return sender;
    }),
  );
  return {
    work: (durationMs) =>
      workAll(
        { durationMs, watch },
        senders.map((sender) => () => send(sender, "healthy")),
      ),
    close() {
      watch[Symbol.dispose]();
      for (const connection of clients) connection.close();
    },
  };
}

export const HEALTHY = { kafka: openHealthyKafka, amqp: openHealthyAmqp };

/** What the machine kept from a server and from those who ask it. */
interface Watch extends Disposable {
  /** A stretch that begins now. The answer is how long, in it, the machine ran neither for them. */
  begin(): () => number;
}

function followBoth(pid: number): Watch {
  const both = [followCoreWaiting(pid), followCoreWaiting(process.pid)];
  return {
    begin() {
      const before = both.map((one) => one.ms());
      // They may have waited together: the longer of the two is sure.
      return () => Math.max(...both.map((one, at) => one.ms() - before[at]!));
    },
    [Symbol.dispose]() {
      for (const one of both) one[Symbol.dispose]();
    },
  };
}

async function workAll(
  { durationMs, watch }: { readonly durationMs: number; readonly watch: Watch },
  requests: readonly (() => Promise<void>)[],
): Promise<readonly number[]> {
  const beginsMs = performance.now();
  const waited: number[] = [];
  const one = async (request: () => Promise<void>, at: number): Promise<void> => {
    const asked: Promise<void>[] = [];
    let dueMs = beginsMs + (at * PERIOD_MS) / requests.length;
    for (; dueMs < beginsMs + durationMs; dueMs += PERIOD_MS) {
      const earlyMs = dueMs - performance.now();
      if (earlyMs > 0) await after(earlyMs);
      const startedMs = performance.now();
      const keptMs = watch.begin();
      const answered = request().then(() => {
        waited.push(Math.max(0, performance.now() - startedMs - keptMs()));
      });
      // Until all are waited for, a failure is nobody's.
      answered.catch(() => undefined);
      asked.push(answered);
    }
    await Promise.all(asked);
  };
  await Promise.all(requests.map(one));
  return waited;
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
  const ends = ["accepted", "rejected", "released"] as const;
  return new Promise((resolve, reject) => {
    const delivery = sender.send({ body });
    const settle =
      (outcome: string) =>
      (context?: EventContext): void => {
        if (context !== undefined && context.delivery !== delivery) return;
        for (const [name, listener] of listeners) sender.off(name, listener);
        sender.off("sender_error", failed);
        sender.connection.off("disconnected", lost);
        if (outcome === "accepted") resolve();
        else reject(new Error(`a message was ${outcome}`));
      };
    const listeners = ends.map((name) => [name, settle(name)] as const);
    const failed = (): void => settle("refused with its link")();
    const lost = (): void => settle("lost with its connection")();
    for (const [name, listener] of listeners) sender.on(name, listener);
    sender.on("sender_error", failed);
    sender.connection.on("disconnected", lost);
  });
}

/** Durable messages over AMQP 1.0, sent, received and accepted at the same time, by rhea on both sides. */

import { once } from "node:events";
import { setImmediate } from "node:timers/promises";
import rhea, { type Connection, type EventContext } from "rhea";
import type { BrokerAddress } from "../../scripts/brokers/broker.ts";
import { processorSeconds } from "../../scripts/brokers/processes.ts";
import { percentile } from "../harness.ts";
import { RUN_MS } from "../load.ts";
import type { Target } from "./target.ts";
import type { WireResult } from "./produce-consume.ts";

const IN_FLIGHT = 500;

let queues = 0;

/** 500 messages unsettled on either side; counts those that were accepted by their receiver. */
export async function measureRoundTrips(target: Target, bytes: number): Promise<WireResult> {
  const name = `bench-${process.pid}-${queues++}`;
  const connection = await open(target.amqp);
  try {
    if (target.name === "rabbitmq") await declareQuorumQueue(connection, name);
    return await roundTrips(target, connection, { address: `/queues/${name}`, bytes });
  } finally {
    connection.close();
  }
}

async function roundTrips(
  target: Target,
  connection: Connection,
  { address, bytes }: { readonly address: string; readonly bytes: number },
): Promise<WireResult> {
  const body = Buffer.alloc(bytes, "x");
  const sentMs: number[] = [];
  const latenciesMs: number[] = [];
  let accepted = 0;
  let confirmed = 0;
  const usedBefore = processorSeconds(target.pid);
  const startedMs = performance.now();
  const endMs = startedMs + RUN_MS;
  const { promise: ended, resolve, reject } = Promise.withResolvers<void>();

  const receiver = connection.open_receiver({
    source: { address, durable: 2 },
    credit_window: 0,
    autoaccept: false,
  });
  receiver.on("receiver_error", () => reject(receiver.error));
  receiver.on("message", ({ message, delivery }: EventContext) => {
    delivery?.accept();
    receiver.add_credit(1);
    accepted++;
    latenciesMs.push(performance.now() - sentMs[Number(message?.message_id)]!);
    if (performance.now() >= endMs && accepted === sentMs.length) resolve();
  });
  // Credit before the broker's own attach makes RabbitMQ end the session.
  await once(receiver, "receiver_open");
  receiver.add_credit(IN_FLIGHT);

  const sender = connection.open_sender({ target: address });
  const send = (): void => {
    while (
      performance.now() < endMs &&
      sender.sendable() &&
      sentMs.length - confirmed < IN_FLIGHT
    ) {
      const id = sentMs.push(performance.now()) - 1;
      sender.send({ message_id: id, durable: true, body });
    }
  };
  sender.on("sender_error", () => reject(sender.error));
  sender.on("sendable", send);
  sender.on("rejected", () => reject(new Error(`${target.name} refused a message`)));
  sender.on("accepted", () => {
    confirmed++;
    send();
  });
  connection.once("disconnected", () => reject(new Error(`${target.name} closed the connection`)));
  await ended;
  const seconds = (performance.now() - startedMs) / 1000;
  const gigabytes = (accepted * bytes) / 1e9;
  return {
    megabytesPerSecond: (gigabytes * 1000) / seconds,
    recordsPerSecond: accepted / seconds,
    processorSecondsPerGigabyte: (processorSeconds(target.pid) - usedBefore) / gigabytes,
    p50Ms: percentile(latenciesMs, 0.5),
    p99Ms: percentile(latenciesMs, 0.99),
  };
}

async function open({ host, port }: BrokerAddress): Promise<Connection> {
  const container = rhea.create_container();
  const connection = container.connect({
    host,
    port,
    // A user without a password signs in as nobody, which both let in from this machine.
    username: "anonymous",
    reconnect: false,
  });
  await once(connection, "connection_open");
  return connection;
}

/** By RabbitMQ's management over AMQP: a pair of links to `/management`, requests as HTTP would name them. */
async function declareQuorumQueue(connection: Connection, name: string): Promise<void> {
  const link = { name: "management", properties: { paired: true }, snd_settle_mode: 1 } as const;
  // rhea keeps its links by name, and the two of a pair share theirs: one after the other.
  const sender = connection.open_sender({ ...link, target: "/management" });
  await once(sender, "sendable");
  const receiver = connection.open_receiver({ ...link, source: "/management", credit_window: 0 });
  await once(receiver, "receiver_open");
  receiver.add_credit(1);
  // Without the credit at hand RabbitMQ ends the session, and rhea would write the request first.
  await setImmediate();
  const answered = new Promise<EventContext>((resolve) => receiver.once("message", resolve));
  sender.send({
    message_id: "declare",
    to: `/queues/${name}`,
    subject: "PUT",
    reply_to: "$me",
    body: {
      durable: true,
      exclusive: false,
      auto_delete: false,
      arguments: { "x-queue-type": "quorum" },
    },
  });
  const { message } = await answered;
  if (message?.subject !== "201") throw new Error(`no quorum queue: ${message?.subject}`);
  sender.close();
  receiver.close();
}

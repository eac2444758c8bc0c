/** What strangers do to the Kafka door, each until it is told to stop; they count what they did. */

import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { setTimeout as after } from "node:timers/promises";
import { AT } from "../../../src/embedded/log/format/batch-layout.ts";
import { text, wireBytes } from "../../../src/embedded/log/log-stage.test.ts";
import {
  allOpen,
  churn,
  destroyAll,
  drained,
  openAll,
  sendBytes,
  sendEach,
  sendOnce,
  stopped,
  type Attack,
  type AttackOptions,
  type Counts,
} from "./attack.ts";
import { BAD_BATCHES, sealed } from "./bad-batches.ts";
import { Client, requestBytes } from "../client.ts";
import { chanceOf, hostileFrame } from "./frames.ts";
import { LARGE_TOPIC, READ_TOPIC } from "../topics.ts";

const COMPACTED_TOPIC = "compacted";
/** Of a short name, which has room in a request many times. */
const MANY_TOPIC = "m";
/** The id of no topic. */
const NOBODYS = "AAAAAAAAAAAAAAAAAAAAEQ";
const MIB = 1024 * 1024;

const METADATA = requestBytes("Metadata", { topics: [{ name: "x".repeat(200) }] });

/** Produce frames of 90 MiB of which a third comes: much more than the door holds. */
async function largeHalves(options: AttackOptions): Promise<Counts> {
  const sockets = await openAll(Math.ceil(40 * options.share), options);
  const header = Buffer.alloc(8);
  header.writeInt32BE(90 * MIB);
  const part = Buffer.alloc(MIB);
  for (const socket of sockets) {
    socket.write(header);
    for (let sent = 0; sent < 30; sent++) socket.write(part);
  }
  await stopped(options);
  const taken = sockets.reduce(
    (sum, { bytesWritten, writableLength }) => sum + bytesWritten - writableLength,
    0,
  );
  const counts = { connections: sockets.length, "MiB taken": Math.round(taken / MIB) };
  destroyAll(sockets);
  return counts;
}

/** Asks for all there is, again and again, and reads nothing. */
async function stalledReaders(options: AttackOptions): Promise<Counts> {
  const client = await Client.open(options.port);
  const { topics } = await client.ask("Metadata", { topics: [{ name: LARGE_TOPIC }] });
  const topicId = topics[0]?.topicId ?? "";
  const sockets = await openAll(Math.ceil(200 * options.share), options);
  const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 50 * MIB }];
  const fetch = requestBytes("Fetch", {
    maxBytes: 50 * MIB,
    minBytes: 1,
    sessionId: 0,
    sessionEpoch: -1,
    topics: [{ topicId, partitions }],
  });
  for (const socket of sockets) {
    socket.pause();
    for (let count = 0; count < 50; count++) socket.write(fetch);
  }
  await stopped(options);
  client.socket.destroy();
  destroyAll(sockets);
  return { connections: sockets.length, requests: sockets.length * 50 };
}

/** Fetches that name as many partitions as a frame has room for, one behind the other. */
async function wideFetches(options: AttackOptions): Promise<Counts> {
  const sockets = await openAll(Math.ceil(10 * options.share), options);
  const partitions = Array.from({ length: 7_500 }, (_, partition) => ({
    partition,
    fetchOffset: 0,
    partitionMaxBytes: MIB,
  }));
  const topics = [{ topicId: NOBODYS, partitions }];
  const fetch = requestBytes("Fetch", { maxBytes: MIB, sessionId: 0, sessionEpoch: -1, topics });
  const counts: Counts = { connections: sockets.length, "KiB answered": 0 };
  let bytes = 0;
  for (const socket of sockets) {
    socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
    for (let count = 0; count < 500; count++) socket.write(fetch);
  }
  await stopped(options);
  counts["KiB answered"] = Math.round(bytes / 1024);
  counts["still open"] = sockets.filter((socket) => !socket.destroyed).length;
  destroyAll(sockets);
  return counts;
}

/**
 * Requests that name one thing as often as 16 KiB have room for: a topic of many partitions, and a
 * partition in which a record is to be found by its time.
 */
async function repeatedNames(options: AttackOptions): Promise<Counts> {
  const client = await Client.open(options.port);
  const topic = { name: MANY_TOPIC, numPartitions: 1_024, replicationFactor: 1 };
  await client.ask("CreateTopics", { topics: [topic], timeoutMs: 60_000 });
  client.socket.destroy();
  const times = <Value>(count: number, value: Value): Value[] =>
    Array.from({ length: count }, () => value);
  const partitions = times(900, { partitionIndex: 0, timestamp: 1 });
  const both = Buffer.concat([
    requestBytes("Metadata", { topics: times(4_000, { name: MANY_TOPIC }) }, { version: 8 }),
    requestBytes("ListOffsets", { topics: [{ name: LARGE_TOPIC, partitions }] }, { version: 5 }),
  ]);
  const sockets = await openAll(Math.ceil(20 * options.share), options);
  const counts: Counts = { connections: sockets.length, "KiB answered": 0 };
  let bytes = 0;
  const pour = async (socket: Socket): Promise<void> => {
    socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
    while (!options.until.aborted && !socket.destroyed) {
      if (!socket.write(both)) await drained(socket, options);
      await after(50);
    }
  };
  await Promise.all(sockets.map(pour));
  counts["KiB answered"] = Math.round(bytes / 1024);
  destroyAll(sockets);
  return counts;
}

/** Small requests without end, as fast as they are answered. */
async function flood(options: AttackOptions): Promise<Counts> {
  const sockets = await openAll(Math.ceil(8 * options.share), options);
  const many = Buffer.concat(
    Array.from({ length: 500 }, () =>
      requestBytes("ApiVersions", {
        clientSoftwareName: "flood",
        clientSoftwareVersion: "1",
      }),
    ),
  );
  const counts: Counts = { connections: sockets.length, requests: 0 };
  const pour = async (socket: Socket): Promise<void> => {
    socket.resume();
    while (!options.until.aborted && !socket.destroyed) {
      counts["requests"]! += 500;
      if (!socket.write(many)) await drained(socket, options);
    }
  };
  await Promise.all(sockets.map(pour));
  destroyAll(sockets);
  return counts;
}

/** Batches that no honest client makes, in Produce requests that are as they should be. */
async function badBatches(options: AttackOptions): Promise<Counts> {
  const chance = chanceOf(options.seed);
  const client = await openTopics(options.port);
  options.ready();
  const counts: Counts = { batches: 0, refused: 0, "wrongly accepted": 0, "wrongly refused": 0 };
  const kinds = Object.entries(BAD_BATCHES);
  for (let at = 0; !options.until.aborted; at++) {
    const [kind, { make, stored = false }] = kinds[at % kinds.length]!;
    const errorCode = await produceTo(client, READ_TOPIC, make(chance));
    counts["batches"]!++;
    counts[kind] = (counts[kind] ?? 0) + 1;
    if (errorCode !== 0) counts["refused"]!++;
    if (stored) counts["unreadable"] = (counts["unreadable"] ?? 0) + (errorCode === 0 ? 1 : 0);
    if (stored && errorCode !== 0) counts["wrongly refused"]!++;
    if (!stored && errorCode === 0) counts["wrongly accepted"]!++;
    await after(1);
  }
  client.socket.destroy();
  return counts;
}

/**
 * Batches of a few kilobytes that unpack to 64 MiB: to a topic that is read in the server's process,
 * where each is one record that cannot be read, and to a compacted one, whose keys are looked at.
 */
async function bombs(options: AttackOptions): Promise<Counts> {
  const client = await openTopics(options.port);
  const plain = wireBytes([text("one", "key")]);
  const zeros = gzipSync(Buffer.alloc(64 * MIB));
  const records = sealed(Buffer.concat([plain.subarray(0, AT.records), zeros]), (batch) => {
    batch.writeInt16BE(GZIP, AT.attributes);
  });
  options.ready();
  const counts: Counts = { batches: 0, unreadable: 0, readable: 0, "refused by compaction": 0 };
  while (!options.until.aborted) {
    const compacted = counts["batches"]! % 4 === 3;
    const topic = compacted ? COMPACTED_TOPIC : READ_TOPIC;
    const errorCode = await produceTo(client, topic, records);
    counts["batches"]!++;
    if (compacted) counts["refused by compaction"]! += errorCode === 0 ? 0 : 1;
    else if (errorCode === 0) counts["unreadable"]!++;
    if ((await produceTo(client, READ_TOPIC, wireBytes([text("between")]))) === 0) {
      counts["readable"]!++;
    }
    await after(500);
  }
  client.socket.destroy();
  return counts;
}

const GZIP = 1;

async function openTopics(port: number): Promise<Client> {
  const client = await Client.open(port);
  const configs = [{ name: "cleanup.policy", value: "compact" }];
  const topics = [
    { name: READ_TOPIC, numPartitions: 1, replicationFactor: 1 },
    { name: COMPACTED_TOPIC, numPartitions: 1, replicationFactor: 1, configs },
  ];
  // In a second round they are there already.
  await client.ask("CreateTopics", { topics, timeoutMs: 10_000 });
  return client;
}

async function produceTo(client: Client, name: string, records: Buffer): Promise<number> {
  const topicData = [{ name, partitionData: [{ index: 0, records }] }];
  const { responses } = await client.ask("Produce", { acks: -1, timeoutMs: 1_000, topicData }, 9);
  return responses[0]?.partitionResponses[0]?.errorCode ?? -1;
}

const kafka = (run: Attack["run"], more: Omit<Attack, "door" | "run"> = {}): Attack => ({
  door: "kafka",
  run,
  ...more,
});

export const KAFKA_ATTACKS: Readonly<Record<string, Attack>> = {
  malformed: kafka((options) => {
    const chance = chanceOf(options.seed);
    return sendEach(options, () => hostileFrame(chance));
  }),
  "half-open": kafka((options) => sendOnce(options, { count: 10_000, bytes: () => NOTHING }), {
    broken: allOpen(10_000),
  }),
  // A length, a few bytes of the frame, and nothing more.
  "half-frames": kafka((options) =>
    sendOnce(options, { count: 2_000, bytes: () => METADATA.subarray(0, -20) }),
  ),
  "byte-by-byte": kafka((options) => sendBytes(options, { frame: METADATA })),
  "large-halves": kafka(largeHalves),
  "stalled-readers": kafka(stalledReaders, { fills: true }),
  "wide-fetches": kafka(wideFetches, {
    // Each is as it may be, and is answered when it is its turn.
    broken: noneAnswered,
  }),
  "repeated-names": kafka(repeatedNames, { fills: true, broken: noneAnswered }),
  flood: kafka(flood),
  churn: kafka((options) => churn(options)),
  "bad-batches": kafka(badBatches, {
    broken({ "wrongly accepted": accepted, "wrongly refused": refused, unreadable }, _, { read }) {
      if (accepted || refused) return `${accepted} wrongly accepted, ${refused} wrongly refused`;
      return read.unreadable === unreadable
        ? undefined
        : `${read.unreadable} unreadable batches of ${unreadable} were read`;
    },
  }),
  bombs: kafka(bombs, {
    broken({ unreadable, readable }, _, { read }) {
      return read.unreadable === unreadable && read.readable === readable
        ? undefined
        : `read were ${read.unreadable} of ${unreadable} bombs and ${read.readable} of ${readable} between`;
    },
  }),
};

function noneAnswered({ "KiB answered": answered }: Counts): string | undefined {
  return answered ? undefined : "none was answered";
}

const NOTHING = Buffer.alloc(0);

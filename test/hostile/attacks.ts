/** What strangers do to the door, each until it is told to stop; they count what they did. */

import type { Socket } from "node:net";
import { gzipSync } from "node:zlib";
import { setTimeout as after } from "node:timers/promises";
import { AT } from "../../src/embedded/log/format/batch-layout.ts";
import { crc32c } from "../../src/embedded/log/format/crc32c.ts";
import { text, wireBytes } from "../../src/embedded/log/log-stage.test.ts";
import { Client, connect, requestBytes } from "./client.ts";
import { chanceOf, hostileFrame } from "./frames.ts";

export interface AttackOptions {
  readonly port: number;
  readonly seed: number;
  readonly until: AbortSignal;
  /** Of the usual number of connections. */
  readonly share: number;
  /** Called when the connections are there and the attack goes on as it will. */
  readonly ready: () => void;
}

export type Counts = Record<string, number>;
export type Attack = (options: AttackOptions) => Promise<Counts>;

/** Has records enough to fill the buffers of whoever does not read them. */
export const LARGE_TOPIC = "large";
const MIB = 1024 * 1024;

async function openAll(count: number, options: AttackOptions): Promise<Socket[]> {
  const { port, until, ready } = options;
  const sockets: Socket[] = [];
  for (let left = count; left > 0 && !until.aborted; left -= 200) {
    const wave = Array.from({ length: Math.min(200, left) }, () => connect(port));
    for (const socket of await Promise.all(wave)) if (socket !== undefined) sockets.push(socket);
  }
  ready();
  return sockets;
}

const stopped = ({ until }: AttackOptions): Promise<void> =>
  new Promise((resolve) => {
    if (until.aborted) resolve();
    else until.addEventListener("abort", () => resolve(), { once: true });
  });

const ended = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once("close", () => resolve());
  });

function destroyAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy();
}

/** Sends each frame on a connection of its own, and waits for an answer or the end. */
async function malformed(options: AttackOptions): Promise<Counts> {
  const chance = chanceOf(options.seed);
  options.ready();
  const counts: Counts = { frames: 0, answered: 0, "hung up": 0 };
  const one = async (): Promise<void> => {
    while (!options.until.aborted) {
      const socket = await connect(options.port);
      if (socket === undefined) continue;
      const { kind, bytes } = hostileFrame(chance);
      const answered = new Promise<"answered">((resolve) => {
        socket.once("data", () => resolve("answered"));
      });
      socket.write(bytes);
      const outcome = await Promise.race([
        answered,
        ended(socket).then(() => "hung up" as const),
        after(20, "silent" as const),
      ]);
      socket.destroy();
      counts["frames"]!++;
      counts[kind] = (counts[kind] ?? 0) + 1;
      if (outcome !== "silent") counts[outcome]!++;
    }
  };
  await Promise.all(Array.from({ length: 4 }, one));
  return counts;
}

async function halfOpen(options: AttackOptions): Promise<Counts> {
  const sockets = await openAll(Math.ceil(10_000 * options.share), options);
  await stopped(options);
  const open = sockets.filter((socket) => !socket.destroyed).length;
  destroyAll(sockets);
  return { connections: sockets.length, "still open": open };
}

/** A length, a few bytes of the frame, and nothing more. */
async function halfFrames(options: AttackOptions): Promise<Counts> {
  const sockets = await openAll(Math.ceil(2_000 * options.share), options);
  const frame = requestBytes("Metadata", { topics: [{ name: "x".repeat(200) }] });
  for (const socket of sockets) socket.write(frame.subarray(0, frame.length - 20));
  await stopped(options);
  destroyAll(sockets);
  return { connections: sockets.length };
}

async function byteByByte(options: AttackOptions): Promise<Counts> {
  const sockets = await openAll(Math.ceil(200 * options.share), options);
  const frame = requestBytes("Metadata", { topics: [{ name: "x".repeat(200) }] });
  const counts: Counts = { connections: sockets.length, bytes: 0, answers: 0 };
  for (const socket of sockets) socket.on("data", () => counts["answers"]!++);
  for (let at = 0; !options.until.aborted; at = (at + 1) % frame.length) {
    for (const socket of sockets) socket.write(frame.subarray(at, at + 1));
    counts["bytes"]! += sockets.length;
    await after(10);
  }
  destroyAll(sockets);
  return counts;
}

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
      if (!socket.write(many)) {
        await Promise.race([
          new Promise((resolve) => socket.once("drain", resolve)),
          stopped(options),
        ]);
      }
    }
  };
  await Promise.all(sockets.map(pour));
  destroyAll(sockets);
  return counts;
}

async function churn(options: AttackOptions): Promise<Counts> {
  const counts: Counts = { connections: 0 };
  options.ready();
  const one = async (): Promise<void> => {
    while (!options.until.aborted) {
      (await connect(options.port))?.destroy();
      counts["connections"]!++;
      await after(1);
    }
  };
  await Promise.all(Array.from({ length: 4 }, one));
  return counts;
}

/** Batches of a few kilobytes that unpack to 64 MiB: kept as they are, and to be unpacked by nobody. */
async function bombs(options: AttackOptions): Promise<Counts> {
  const client = await Client.open(options.port);
  await client.ask("Metadata", { topics: [{ name: "bombs" }], allowAutoTopicCreation: true }, 12);
  const records = bomb();
  options.ready();
  const counts: Counts = { batches: 0, accepted: 0 };
  while (!options.until.aborted) {
    const body = {
      acks: -1,
      timeoutMs: 1_000,
      topicData: [{ name: "bombs", partitionData: [{ index: 0, records }] }],
    };
    const { responses } = await client.ask("Produce", body, 9);
    counts["batches"]!++;
    if (responses[0]?.partitionResponses[0]?.errorCode === 0) counts["accepted"]!++;
    await after(20);
  }
  client.socket.destroy();
  return counts;
}

const GZIP = 1;

function bomb(): Buffer {
  const plain = wireBytes([text("one")]);
  const batch = Buffer.concat([plain.subarray(0, AT.records), gzipSync(Buffer.alloc(64 * MIB))]);
  batch.writeInt32BE(batch.length - 12, AT.length);
  batch.writeInt16BE(GZIP, AT.attributes);
  batch.writeUInt32BE(crc32c(batch, AT.attributes), AT.crc);
  return batch;
}

export const ATTACKS: Readonly<Record<string, Attack>> = {
  malformed,
  "half-open": halfOpen,
  "half-frames": halfFrames,
  "byte-by-byte": byteByByte,
  "large-halves": largeHalves,
  "stalled-readers": stalledReaders,
  flood,
  churn,
  bombs,
};

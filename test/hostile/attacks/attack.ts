/** What every attack is given, and what it needs of sockets. */

import { once } from "node:events";
import type { Socket } from "node:net";
import { setTimeout as after } from "node:timers/promises";
import { connect } from "../client.ts";
import type { HostileFrame } from "./frames.ts";
import type { ServerFacts } from "../serve.ts";

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

export interface Attack {
  readonly door: "kafka" | "amqp";
  readonly run: (options: AttackOptions) => Promise<Counts>;
  /** Streams that are there before it begins, with enough to fill the buffers of who does not read. */
  readonly fills?: boolean;
  /** What did not come out as it must beside what holds for all; undefined where all did. */
  readonly broken?: (counts: Counts, share: number, facts: ServerFacts) => string | undefined;
}

/** Sockets that are open at a time while they are opened: the server's line is longer. */
const WAVE = 200;

export async function openAll(count: number, options: AttackOptions): Promise<Socket[]> {
  const { port, until, ready } = options;
  const sockets: Socket[] = [];
  for (let left = count; left > 0 && !until.aborted; left -= WAVE) {
    const wave = Array.from({ length: Math.min(WAVE, left) }, () => connect(port));
    for (const socket of await Promise.all(wave)) if (socket !== undefined) sockets.push(socket);
  }
  ready();
  return sockets;
}

export const stopped = ({ until }: AttackOptions): Promise<void> =>
  new Promise((resolve) => {
    if (until.aborted) resolve();
    else until.addEventListener("abort", () => resolve(), { once: true });
  });

/** Resolves when the socket takes more, has ended, or nobody wants it to any more. */
export async function drained(socket: Socket, { until }: AttackOptions): Promise<void> {
  const done = new AbortController();
  const { signal } = done;
  await Promise.race([
    ...["drain", "close"].map((name) => once(socket, name, { signal })),
    once(until, "abort", { signal }),
  ]).catch(() => undefined);
  done.abort();
}

export const ended = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    if (socket.destroyed) resolve();
    else socket.once("close", () => resolve());
  });

export function destroyAll(sockets: readonly Socket[]): void {
  for (const socket of sockets) socket.destroy();
}

/** Sends each frame on a connection of its own, and waits for an answer or the end. */
export async function sendEach(options: AttackOptions, next: () => HostileFrame): Promise<Counts> {
  options.ready();
  const counts: Counts = { frames: 0, answered: 0, "hung up": 0 };
  const one = async (): Promise<void> => {
    while (!options.until.aborted) {
      const socket = await connect(options.port);
      if (socket === undefined) continue;
      const { kind, bytes } = next();
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

/** The frame again and again, a byte at a time, on many connections at once. */
export async function sendBytes(
  options: AttackOptions,
  { before = Buffer.alloc(0), frame }: { readonly before?: Buffer; readonly frame: Buffer },
): Promise<Counts> {
  const sockets = await openAll(Math.ceil(200 * options.share), options);
  const counts: Counts = { connections: sockets.length, bytes: 0, answers: 0 };
  for (const socket of sockets) {
    if (before.length > 0) socket.write(before);
    socket.on("data", () => counts["answers"]!++);
  }
  for (let at = 0; !options.until.aborted; at = (at + 1) % frame.length) {
    for (const socket of sockets) socket.write(frame.subarray(at, at + 1));
    counts["bytes"]! += sockets.length;
    await after(10);
  }
  destroyAll(sockets);
  return counts;
}

/** Connections that send the same, and then nothing more. */
export async function sendOnce(
  options: AttackOptions,
  { count, bytes }: { readonly count: number; readonly bytes: (at: number) => Buffer },
): Promise<Counts> {
  const sockets = await openAll(Math.ceil(count * options.share), options);
  for (const [at, socket] of sockets.entries()) {
    const sent = bytes(at);
    if (sent.length > 0) socket.write(sent);
  }
  await stopped(options);
  const open = sockets.filter((socket) => !socket.destroyed).length;
  destroyAll(sockets);
  return { connections: sockets.length, "still open": open };
}

/** Connections that come and go. */
export async function churn(options: AttackOptions, bytes?: Buffer): Promise<Counts> {
  const counts: Counts = { connections: 0 };
  options.ready();
  const one = async (): Promise<void> => {
    while (!options.until.aborted) {
      const socket = await connect(options.port);
      if (bytes === undefined) socket?.destroy();
      else if (socket !== undefined) {
        // What it says has been read when it is gone.
        socket.resume();
        socket.end(bytes);
        await ended(socket);
      }
      counts["connections"]!++;
      await after(1);
    }
  };
  await Promise.all(Array.from({ length: 4 }, one));
  return counts;
}

/** All were taken, and none was hung up on before its time. */
export function allOpen(wanted: number) {
  return (counts: Counts, share: number): string | undefined => {
    const least = Math.ceil(wanted * share);
    const { connections = 0, "still open": open = 0 } = counts;
    return connections >= least && open >= least
      ? undefined
      : `${connections} connections of ${least}, ${open} still open`;
  };
}

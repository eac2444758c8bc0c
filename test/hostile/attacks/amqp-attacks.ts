/** What strangers do to the AMQP door, each until it is told to stop; they count what they did. */

import type { Socket } from "node:net";
import { setTimeout as after } from "node:timers/promises";
import {
  attach,
  begin,
  detach,
  ENDLESS,
  flow,
  HEADER,
  hostileAmqp,
  open,
  SESSION,
  transfer,
} from "./amqp-frames.ts";
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
import { chanceOf } from "./frames.ts";
import { LARGE_TOPIC } from "../topics.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

/** Credit for all there is, and nothing is read. */
async function stalledReceivers(options: AttackOptions): Promise<Counts> {
  const sockets = await openAll(Math.ceil(200 * options.share), options);
  const address = `/streams/${LARGE_TOPIC}`;
  for (const socket of sockets) {
    socket.pause();
    socket.write(SESSION);
    for (let handle = 0; handle < 8; handle++) {
      socket.write(attach(0, { handle, address, sends: false }));
      socket.write(flow(0, handle, 100_000));
    }
  }
  await stopped(options);
  const open = sockets.filter((socket) => !socket.destroyed).length;
  destroyAll(sockets);
  return { connections: sockets.length, receivers: sockets.length * 8, "still open": open };
}

/** Messages of which most has come, on many links, and that never end. */
async function endlessTransfers(options: AttackOptions): Promise<Counts> {
  const sockets = await openAll(Math.ceil(40 * options.share), {
    ...options,
    // Attaching so many links is another attack.
    ready: () => undefined,
  });
  const LINKS = 100;
  const first = Buffer.concat([ENDLESS, Buffer.alloc(60 * KIB)]);
  const more = Buffer.alloc(60 * KIB);
  for (const socket of sockets) {
    socket.resume();
    socket.write(SESSION);
    for (let handle = 0; handle < LINKS; handle++) {
      socket.write(attach(0, { handle, address: "endless", sends: true }));
    }
  }
  // Their credit has come by then.
  await after(1_000);
  options.ready();
  const pour = async (socket: Socket, at: number): Promise<void> => {
    // Every second client goes on beyond the largest message.
    const parts = at % 2 === 0 ? 15 : 41;
    for (let part = 0; part < parts; part++) {
      for (let handle = 0; handle < LINKS; handle++) {
        if (options.until.aborted || socket.destroyed) return;
        const id = part === 0 ? { id: handle } : {};
        const frame = transfer(0, { handle, ...id, payload: part === 0 ? first : more });
        if (!socket.write(frame)) await drained(socket, options);
      }
    }
  };
  await Promise.all(sockets.map(pour));
  await stopped(options);
  const taken = sockets.reduce(
    (sum, { bytesWritten, writableLength }) => sum + bytesWritten - writableLength,
    0,
  );
  const counts = { connections: sockets.length, "MiB taken": Math.round(taken / MIB) };
  const left = sockets.filter((socket) => !socket.destroyed).length;
  destroyAll(sockets);
  return { ...counts, "hung up": sockets.length - left };
}

/** Sessions and links without end, beyond every limit. */
async function sessionFlood(options: AttackOptions): Promise<Counts> {
  const counts: Counts = { connections: 0, sessions: 0, links: 0 };
  options.ready();
  const one = async (): Promise<void> => {
    while (!options.until.aborted) {
      const [socket] = await openAll(1, { ...options, ready: () => undefined });
      if (socket === undefined) continue;
      counts["connections"]!++;
      socket.resume();
      socket.write(Buffer.concat([HEADER, open]));
      for (let channel = 0; channel < 64 && !socket.destroyed; channel++) {
        socket.write(begin(channel));
        counts["sessions"]!++;
        for (let handle = 0; handle < 20; handle++) {
          const link = { handle, address: `f${handle}`, sends: handle % 2 === 0 };
          socket.write(attach(channel, link));
          if (handle % 4 === 0) socket.write(detach(channel, handle));
          counts["links"]!++;
        }
        await after(5);
      }
      await after(50);
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: 2 }, one));
  return counts;
}

const amqp = (run: Attack["run"], more: Omit<Attack, "door" | "run"> = {}): Attack => ({
  door: "amqp",
  run,
  ...more,
});

/** The healthy clients have the rest of what the door lets in. */
const HALF_OPEN = 9_900;

export const AMQP_ATTACKS: Readonly<Record<string, Attack>> = {
  "amqp-malformed": amqp((options) => {
    const chance = chanceOf(options.seed);
    return sendEach(options, () => hostileAmqp(chance));
  }),
  "amqp-half-open": amqp(
    (options) => sendOnce(options, { count: HALF_OPEN, bytes: (at) => HEADER.subarray(0, at % 8) }),
    { broken: allOpen(HALF_OPEN) },
  ),
  "amqp-half-frames": amqp((options) =>
    sendOnce(options, {
      count: 2_000,
      bytes: () => Buffer.concat([SESSION, begin(1).subarray(0, -5)]),
    }),
  ),
  "amqp-byte-by-byte": amqp((options) =>
    sendBytes(options, { before: SESSION, frame: flowOfSession }),
  ),
  "amqp-stalled-receivers": amqp(stalledReceivers, { fills: true }),
  "amqp-endless-transfers": amqp(endlessTransfers),
  "amqp-session-flood": amqp(sessionFlood),
  "amqp-churn": amqp((options) => churn(options, SESSION)),
};

/** A sign of life. */
const flowOfSession = Buffer.from([0, 0, 0, 8, 2, 0, 0, 0]);

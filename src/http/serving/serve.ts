/** Puts a door on a socket of this machine. */

import { createServer } from "node:http";
import type { Socket } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createDoor, type DoorOptions } from "../door.ts";
import { DOOR_LIMITS } from "../limits.ts";
import { listenAt, type HeldPort } from "./held-port.ts";
import { UnreadAnswers } from "./unread-answers.ts";

export interface ServeOptions extends Omit<DoorOptions, "stopping"> {
  /** 0 for any free port. */
  readonly port: number;
  /** A loopback address; 127.0.0.1 unless said. */
  readonly address?: string;
}

export interface ServedDoor extends AsyncDisposable {
  /** `http://127.0.0.1:4222`, without the token. */
  readonly url: string;
  readonly port: number;
  /** Takes no new requests, ends tails, lets answers under way end within 2 s, frees the port. Idempotent. */
  close(): Promise<void>;
}

/** How long a close waits for answers under way, which a reader that does not read would never end. */
const CLOSE_DEADLINE_MS = 2_000;
/** How often the server looks for requests that have passed their time. */
const TIMEOUT_CHECKS = 4;
const TIMEOUT_CHECK_MS_MAX = 5_000;

/** Throws BAD_CONFIG as `listenAt` and `createDoor` do. */
export async function serve({ address, port, ...door }: ServeOptions): Promise<ServedDoor> {
  const held = await listenAt(port, address);
  try {
    return await serveHeld(held, door);
  } catch (error) {
    await held.close();
    throw error;
  }
}

/** Serves a port that is held already, and those who have connected to it. Throws as `createDoor`. */
export async function serveHeld(
  held: HeldPort,
  { limits, ...door }: Omit<DoorOptions, "stopping">,
): Promise<ServedDoor> {
  const bounds = { ...DOOR_LIMITS, ...limits };
  const stopping = new AbortController();
  /** Connections on which nothing is asked. */
  const quiet = new Set<Socket>();
  const unread = new UnreadAnswers(bounds.unreadBytesMax);
  const shortestMs = Math.min(bounds.headersTimeoutMs, bounds.requestTimeoutMs);
  const answer = getRequestListener(
    createDoor({ ...door, limits: bounds, stopping: stopping.signal }),
    { overrideGlobalObjects: false },
  );
  const server = createServer(
    {
      maxHeaderSize: bounds.headerBytesMax,
      headersTimeout: bounds.headersTimeoutMs,
      requestTimeout: bounds.requestTimeoutMs,
      keepAliveTimeout: bounds.keepAliveTimeoutMs,
      connectionsCheckingInterval: Math.min(TIMEOUT_CHECK_MS_MAX, shortestMs / TIMEOUT_CHECKS),
    },
    (incoming, outgoing) => {
      const { socket } = incoming;
      quiet.delete(socket);
      outgoing.once("close", () => {
        // A connection kept alive would hold up the close.
        if (stopping.signal.aborted) socket.end();
        else if (!socket.destroyed) quiet.add(socket);
      });
      unread.add(socket);
      void answer(incoming, outgoing).then(() => unread.trim());
    },
  );
  // Browsers connect ahead, and the server does not count a connection without a request as idle.
  server.on("connection", (socket: Socket) => {
    quiet.add(socket);
    socket.once("close", () => quiet.delete(socket));
  });
  server.maxConnections = bounds.connectionsMax;
  // A reader that is stuck takes not even signs of life: its connection is silent both ways.
  server.timeout = bounds.silenceTimeoutMs;
  await held.handOver(server);

  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => {
    stopping.abort();
    return (closed ??= new Promise((resolve, reject) => {
      const patience = door.environment.clock.after(CLOSE_DEADLINE_MS, () => {
        server.closeAllConnections();
      });
      server.close((error) => {
        patience.cancel();
        if (error === undefined) resolve();
        else reject(error);
      });
      for (const socket of quiet) socket.destroy();
    }));
  };
  return {
    url: held.url,
    port: held.port,
    close,
    [Symbol.asyncDispose]: close,
  };
}

/**
 * A port on which connections are taken before the server that answers them is loaded.
 *
 * Loading an HTTP server takes longer than opening a port. So the port is opened alone; whoever connects
 * meanwhile waits, unread, and is handed over with the port itself.
 */

import type { Server as HttpServer } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { MillraceError } from "../../model/errors.ts";
import { isLoopbackName } from "../loopback-name.ts";

/** Beyond it connections are closed at once: nobody has counted them by their requests yet. */
const WAITING_MAX = 1_000;

export interface HeldPort {
  /** `http://127.0.0.1:4222` */
  readonly url: string;
  readonly port: number;
  /** From now on the server listens on it, and has those who have connected. Closing it frees the port. */
  handOver(server: HttpServer): Promise<void>;
  /** Frees a port that was not handed over. */
  close(): Promise<void>;
}

/**
 * Throws BAD_CONFIG for an address that other machines can reach: there is no TLS and no sign-in by
 * user, so the token would cross the network in the clear. Throws BAD_CONFIG also for a port that is
 * taken.
 */
export async function listenAt(port: number, address: string = "127.0.0.1"): Promise<HeldPort> {
  if (!isLoopbackName(address)) {
    throw new MillraceError(
      "BAD_CONFIG",
      `the door cannot listen on ${address}: other machines would reach it, and it has neither TLS nor sign-in; ` +
        "use 127.0.0.1, and an SSH tunnel from elsewhere",
      { details: { key: "address", address } },
    );
  }
  const waiting = new Set<Socket>();
  const holder = createServer({ pauseOnConnect: true }, (socket) => {
    waiting.add(socket);
    // One that breaks off while it waits is not there any more when the port is handed over.
    socket.on("error", ignore);
    socket.once("close", () => waiting.delete(socket));
  });
  holder.maxConnections = WAITING_MAX;
  const bound = await listen(holder, port, address);
  return {
    url: `http://${address.includes(":") ? `[${address}]` : address}:${bound}`,
    port: bound,
    async handOver(server) {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen(holder, () => {
          server.off("error", reject);
          resolve();
        });
      });
      for (const socket of waiting) {
        socket.off("error", ignore);
        server.emit("connection", socket);
        socket.resume();
      }
    },
    close() {
      for (const socket of waiting) socket.destroy();
      return new Promise((resolve) => holder.close(() => resolve()));
    },
  };
}

function ignore(): void {}

function listen(server: Server, port: number, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      reject(
        new MillraceError(
          "BAD_CONFIG",
          taken
            ? `port ${port} of ${address} is taken; stop the program that has it, or choose another port (0: any free one)`
            : `the door cannot listen on ${address}:${port}: ${error.message}`,
          { cause: error, details: { key: "port", port } },
        ),
      );
    });
    server.listen(port, address, () => {
      const bound = server.address();
      resolve(typeof bound === "object" && bound !== null ? bound.port : port);
    });
  });
}

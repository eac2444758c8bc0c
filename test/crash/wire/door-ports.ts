/** Where children serve their clients: the same ports in every life, so that they find them again. */

import { once } from "node:events";
import { createServer, type Server } from "node:net";
import type { DoorPorts } from "../report.ts";

/** Below the ports that systems give to outgoing connections, which could take ours between two lives. */
const FIRST = 21_000;
const COUNT = 10_000;
const TRIES = 64;

/** For so many servers at one time. */
export async function chooseDoorPorts(servers: number): Promise<readonly DoorPorts[]> {
  const start = process.pid * TRIES;
  const free: number[] = [];
  for (let step = 0; step < TRIES && free.length < 2 * servers; step++) {
    const port = FIRST + ((start + step) % COUNT);
    if (await isFree(port)) free.push(port);
  }
  return Array.from({ length: servers }, (_, server) => {
    const [kafka, amqp] = free.slice(2 * server);
    if (kafka === undefined || amqp === undefined)
      throw new Error(`no free ports from ${FIRST} on`);
    return { kafka, amqp };
  });
}

async function isFree(port: number): Promise<boolean> {
  const server: Server = createServer();
  try {
    const listening = once(server, "listening");
    server.listen(port, "127.0.0.1");
    await listening;
  } catch {
    return false;
  }
  const closed = once(server, "close");
  server.close();
  await closed;
  return true;
}

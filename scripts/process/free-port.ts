/** Ports for programs that cannot choose one for themselves. */

import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Ports of 127.0.0.1 that nobody listened on a moment ago. They are held together, so they differ;
 * another program may still take one before it is used.
 */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  try {
    return await Promise.all(
      servers.map(async (server) => {
        server.listen(0, "127.0.0.1");
        await once(server, "listening");
        const address = server.address();
        if (address === null || typeof address === "string") throw new Error("no port was given");
        return address.port;
      }),
    );
  } finally {
    for (const server of servers) server.close();
  }
}

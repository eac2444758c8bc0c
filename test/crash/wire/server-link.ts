/**
 * What the clients in the parent know of the server: whether a child is being started or lives, and
 * where. A client that loses its connection asks for another, and gets one in the life in which its
 * turn comes again. Between the lives, when the parent looks at what the kill left, nobody connects.
 */

import { setTimeout as pause } from "node:timers/promises";
import { Client } from "../../hostile/client.ts";

const RETRY_MS = 10;

/** The run is over: every client ends. */
export class RunOver extends Error {
  override readonly name = "RunOver";
}

export class ServerLink {
  readonly port: number;
  #living = false;
  #over = false;
  #changed = Promise.withResolvers<void>();

  constructor(port: number) {
    this.port = port;
  }

  living(): void {
    this.#living = true;
    this.#wake();
  }

  died(): void {
    this.#living = false;
  }

  close(): void {
    this.#over = true;
    this.#wake();
  }

  /** Until the server takes a connection. Rejects with RunOver when none will any more. */
  async connect(): Promise<Client> {
    return this.reach(() => Client.open(this.port));
  }

  /** Tries again while a child lives or will. `open` rejects where nobody listens yet. */
  async reach<Connection>(open: () => Promise<Connection>): Promise<Connection> {
    for (;;) {
      if (this.#over) throw new RunOver();
      if (!this.#living) {
        await this.#changed.promise;
        continue;
      }
      try {
        return await open();
      } catch {
        await pause(RETRY_MS);
      }
    }
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

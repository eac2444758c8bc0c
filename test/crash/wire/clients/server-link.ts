/**
 * What the clients in the parent know of the server: whether a child lets them in, and where. A
 * client that loses its connection asks for another, and gets one in the life in which its turn comes
 * again. Between the lives, when the parent looks at what the kill left, nobody connects.
 *
 * Connections are lost without a kill, too: now and then one of those that are open is cut.
 */

import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../../../../src/model/ids.ts";
import { Client, requestBytes } from "../../../hostile/client.ts";

const RETRY_MS = 10;
const CUT_MS = 150;
const CUT_MS_MORE = 2_000;

/** The run is over: every client ends. */
export class RunOver extends Error {
  override readonly name = "RunOver";
}

/** A connection, and how it is lost on the client's side. */
interface Cuttable<Connection> {
  readonly connection: Connection;
  readonly cut: () => void;
  /** Resolves when it is lost, however that came. */
  readonly lost: Promise<unknown>;
}

export class ServerLink {
  readonly port: number;
  readonly #random: Random;
  readonly #cuts = new Set<() => void>();
  #living = false;
  #over = false;
  #changed = Promise.withResolvers<void>();
  #timer: NodeJS.Timeout | undefined;
  /** Of living time: most lives are shorter than it is from one cut to the next. */
  #cutInMs: number;
  #livedFromMs = 0;
  /** Of the server, counted from 1. */
  life = 0;
  /** Connections that were cut while their server lived. */
  cutCount = 0;

  constructor(port: number, random: Random) {
    this.port = port;
    this.#random = random;
    this.#cutInMs = this.#nextCutMs();
  }

  living(): void {
    this.#living = true;
    this.life++;
    this.#livedFromMs = performance.now();
    this.#planCut();
    this.#wake();
  }

  died(): void {
    this.#living = false;
    clearTimeout(this.#timer);
    this.#cutInMs -= performance.now() - this.#livedFromMs;
  }

  close(): void {
    this.#over = true;
    this.#wake();
  }

  /** Until the server takes a connection. Rejects with RunOver when none will any more. */
  async connect(): Promise<Client> {
    return this.reach(async () => {
      const connection = await Client.open(this.port);
      const { socket } = connection;
      const lost = new Promise((resolve) => socket.once("close", resolve));
      return { connection, cut: () => cut(socket, this.#random), lost };
    });
  }

  /** Tries again while a child lives or will. `open` rejects where nobody listens any more. */
  async reach<Connection>(open: () => Promise<Cuttable<Connection>>): Promise<Connection> {
    for (;;) {
      if (this.#over) throw new RunOver();
      if (!this.#living) {
        await this.#changed.promise;
        continue;
      }
      try {
        const { connection, cut: cutIt, lost } = await open();
        this.#cuts.add(cutIt);
        void lost.then(() => this.#cuts.delete(cutIt));
        return connection;
      } catch {
        await pause(RETRY_MS);
      }
    }
  }

  #planCut(): void {
    this.#timer = setTimeout(
      () => {
        this.#cutOne();
        this.#livedFromMs = performance.now();
        this.#cutInMs = this.#nextCutMs();
        this.#planCut();
      },
      Math.max(0, this.#cutInMs),
    );
  }

  #cutOne(): void {
    const open = [...this.#cuts];
    const chosen = open[Math.floor(this.#random.next() * open.length)];
    if (chosen === undefined) return;
    this.#cuts.delete(chosen);
    this.cutCount++;
    chosen();
  }

  #nextCutMs(): number {
    return CUT_MS + this.#random.next() * CUT_MS_MORE;
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }
}

/** At once, with what is under way; or politely, but in the middle of a request. */
function cut(socket: Client["socket"], random: Random): void {
  const chance = random.next();
  if (chance < 0.4) socket.resetAndDestroy();
  else if (chance < 0.8) socket.destroy();
  else {
    const request = requestBytes("Metadata", { topics: null });
    socket.end(request.subarray(0, Math.floor(request.length / 2)));
  }
}

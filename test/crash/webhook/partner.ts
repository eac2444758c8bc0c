/**
 * The partner, who lives in the parent and so outlives every kill: it takes what is delivered, and now
 * and then hangs up after having taken it, so that the sender cannot know; and it posts numbered
 * deliveries of its own, each again under the same id until it is told that it arrived.
 */

import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { parseSecret, sign } from "../../../src/connectors/webhook/signature.ts";
import { HOOK, SECRET } from "./hooks.ts";

/** One request as it came in. */
export interface Delivery {
  readonly way: "webhook" | "effect";
  readonly id: string;
  readonly body: string;
}

export interface PartnerEvents {
  readonly delivered: (delivery: Delivery) => void;
  readonly posting: (poster: number, nth: number) => void;
  readonly posted: (poster: number, nth: number) => void;
  /** It was refused for good. */
  readonly refused: (text: string) => void;
}

export const POSTERS = 8;
const HANG_UP_EVERY = 97;
const PATIENCE_MS = 5;
const encoder = new TextEncoder();

export class Partner {
  readonly #events: PartnerEvents;
  readonly #server: Server;
  readonly #secret = parseSecret(SECRET, "the partner");
  readonly #ended = new AbortController();
  #posting: Promise<unknown> = Promise.resolve();
  #door: string | undefined;
  #taken = 0;

  constructor(events: PartnerEvents) {
    this.#events = events;
    this.#server = createServer((request, response) => {
      const { headers, url = "" } = request;
      const way = url.startsWith("/effect") ? "effect" : "webhook";
      const id = headers[way === "effect" ? "idempotency-key" : "webhook-id"];
      text(request)
        .then((body) => {
          this.#events.delivered({ way, id: String(id), body });
          if (++this.#taken % HANG_UP_EVERY === 0) request.socket.destroy();
          else response.writeHead(204).end();
        })
        // The sender was killed while it sent: nothing was delivered.
        .catch(() => request.socket.destroy());
    });
  }

  /** Resolves to the address at which it listens. */
  async open(): Promise<string> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new Error("the partner has no port");
    const posters = Array.from({ length: POSTERS }, (_, poster) => this.#post(poster));
    this.#posting = Promise.all(posters);
    return `http://127.0.0.1:${address.port}`;
  }

  /** Where the child takes posts; undefined while there is no child. */
  set door(url: string | undefined) {
    this.#door = url;
  }

  async close(): Promise<void> {
    this.#ended.abort();
    await this.#posting;
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** One account's deliveries, the next when the last has arrived. */
  async #post(poster: number): Promise<void> {
    const { signal } = this.#ended;
    for (let nth = 0; ; nth++) {
      while (!(await this.#arrives(poster, nth))) {
        if (signal.aborted) return;
        await pause(PATIENCE_MS);
      }
      this.#events.posted(poster, nth);
      if (signal.aborted) return;
    }
  }

  async #arrives(poster: number, nth: number): Promise<boolean> {
    const door = this.#door;
    if (door === undefined) return false;
    const body = JSON.stringify({ account: `h${poster}`, nth });
    const id = `post-${poster}-${nth}`;
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signed = { id, timestamp, body: encoder.encode(body) };
    this.#events.posting(poster, nth);
    try {
      const answer = await fetch(`${door}/hooks/${HOOK}`, {
        method: "POST",
        body,
        headers: {
          "content-type": "application/json",
          "webhook-id": id,
          "webhook-timestamp": timestamp,
          "webhook-signature": sign([this.#secret], signed),
        },
      });
      const said = await answer.text();
      if (answer.status >= 400 && answer.status < 500) {
        this.#events.refused(`${id}: ${answer.status} ${said}`);
      }
      return answer.ok;
    } catch {
      // The child was killed: whether it had taken the delivery is not known.
      return false;
    }
  }
}

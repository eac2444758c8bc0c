/**
 * One client's connection: bytes in, frames to the line of requests, answers out.
 *
 * Three things stop it from reading on: a line that is full, answers that the client does not read,
 * and the door's bound on bytes of all connections. One thing ends it: a frame that is none.
 */

import type { Socket } from "node:net";
import type { Clock, Timer } from "../../../model/clock.ts";
import type { Log } from "../../../model/environment.ts";
import type { Handlers } from "../handlers/handler.ts";
import { dispatch, type Caller } from "./dispatch.ts";
import { BadFrame, FrameReader } from "./frame-reader.ts";
import { RequestLine, type LineLimits } from "./request-line.ts";

export interface ConnectionLimits extends LineLimits {
  readonly frameBytesMax: number;
  /** Answers that wait in the socket; beyond it nothing is begun. */
  readonly unsentBytesMax: number;
  /** A connection without a request for so long is closed. */
  readonly idleMs: number;
  /** Until its first whole request, a connection may take so long. */
  readonly firstRequestMs: number;
}

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly handlers: Handlers;
  readonly clock: Clock;
  readonly log: Log;
  readonly limits: ConnectionLimits;
  readonly may: Caller["may"];
}

export class Connection {
  readonly closed: Promise<void>;
  readonly #options: ConnectionOptions;
  readonly #reader: FrameReader;
  readonly #line: RequestLine;
  readonly #caller: Caller;
  readonly #gone = new AbortController();
  #idle: Timer;
  #lastMs: number;
  #served = 0;

  constructor(options: ConnectionOptions) {
    const { socket, limits, may, clock } = options;
    this.#options = options;
    this.#reader = new FrameReader(limits.frameBytesMax);
    this.#line = new RequestLine(limits, (reply) => this.#send(reply));
    this.#caller = { clientHost: socket.remoteAddress ?? "", gone: this.#gone.signal, may };
    this.#lastMs = clock.monotonic();
    this.#idle = clock.after(limits.firstRequestMs, () => this.#checkIdle());
    this.closed = new Promise((resolve) => socket.once("close", () => resolve(this.#end())));
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.on("drain", () => this.#line.release());
    // What follows is always a close.
    socket.on("error", () => undefined);
  }

  close(): void {
    this.#options.socket.destroy();
  }

  #receive(chunk: Buffer): void {
    const { handlers, log, clock } = this.#options;
    const hangUp = (why: string): void => this.#hangUp(why);
    this.#lastMs = clock.monotonic();
    try {
      for (const frame of this.#reader.push(chunk)) {
        if (this.#gone.signal.aborted) return;
        this.#served++;
        const request = dispatch(frame, this.#caller, { handlers, log, hangUp });
        if (request !== undefined) this.#line.push(request);
      }
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      this.#hangUp(error.message);
    }
    this.#readOn();
  }

  #send(reply: readonly Buffer[]): void {
    const { socket, limits } = this.#options;
    socket.cork();
    for (const piece of reply) socket.write(piece);
    socket.uncork();
    if (socket.writableLength > limits.unsentBytesMax) this.#line.hold();
    this.#lastMs = this.#options.clock.monotonic();
    this.#readOn();
  }

  #readOn(): void {
    const { socket } = this.#options;
    if (this.#line.full) socket.pause();
    else if (socket.isPaused()) socket.resume();
  }

  #hangUp(why: string): void {
    const { socket, log } = this.#options;
    log.warn({ client: this.#caller.clientHost, why }, "hung up on a Kafka client");
    socket.destroy();
  }

  /** A client that waits for us is not idle; one that reads no answer for so long is. */
  #checkIdle(): void {
    const { clock, limits, socket } = this.#options;
    const { idleMs, firstRequestMs } = limits;
    const leftMs =
      this.#lastMs + (this.#served === 0 ? firstRequestMs : idleMs) - clock.monotonic();
    const waits = !this.#line.empty && socket.writableLength === 0;
    if (leftMs <= 0 && !waits) socket.destroy();
    else this.#idle = clock.after(Math.max(leftMs, 1_000), () => this.#checkIdle());
  }

  #end(): void {
    this.#idle.cancel();
    this.#line.end();
    this.#gone.abort();
  }
}

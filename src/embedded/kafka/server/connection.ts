/**
 * One client's connection: bytes in, frames to the line of requests, answers out.
 *
 * Where the program asks who comes in, a gate stands before the line until the client has signed in;
 * frames are small till then. What has come and is not answered, and what is answered and has not left,
 * is counted in the account that the connection has with the door. Four things stop it from reading on
 * or from beginning another request: a line that is full, answers that the client does not read, the
 * door's bound on the bytes of all connections, and that it had its turn. Bytes that are no frame, or
 * no request that anybody can answer, end it, with a line in the log; so do a frame that stalls, a
 * client that reads nothing, and one that says nothing at all (`overdue`).
 */

import type { Socket } from "node:net";
import { delay, type Clock } from "../../../model/clock.ts";
import type { Environment } from "../../../model/environment.ts";
import { LOCAL, type Doorkeeper } from "../../doors/doorkeeper.ts";
import type { Warn } from "../../doors/limited-log.ts";
import { API_TABLES, type ApiName } from "../codec/generated/apis.ts";
import type { Handlers } from "../handlers/handler.ts";
import type { Account, ByteBudget } from "../../doors/byte-budget.ts";
import { apiKeyOf, dispatch, isWireError, type Caller } from "./dispatch.ts";
import type { FrameBuffers } from "./frame-buffers.ts";
import { BadFrame, FrameReader } from "./frame-reader.ts";
import type { ConnectionLimits } from "./limits.ts";
import { AnswerBuffer } from "./answer-buffer.ts";
import { Pace } from "../../doors/pace.ts";
import type { Turns } from "../../doors/turns.ts";
import { receive } from "./receive.ts";
import { RequestLine, type LineRequest, type Reply } from "./request-line.ts";
import { SignInGate } from "./sign-in-gate.ts";
import type { WideRequests } from "./wide-requests.ts";

export interface ConnectionOptions {
  readonly socket: Socket;
  readonly handlers: Handlers;
  readonly environment: Environment;
  readonly keeper: Doorkeeper;
  readonly budget: ByteBudget;
  readonly frames: FrameBuffers;
  readonly wide: WideRequests;
  readonly turns: Turns;
  readonly limits: ConnectionLimits;
  readonly warn: Warn;
}

export interface Stall {
  readonly ms: number;
  readonly why: string;
}

const PRODUCE = API_TABLES.Produce.key;
/** They carry what group members say, which the broker does not look into. */
const OF_GROUPS: ReadonlySet<number> = new Set(
  (["JoinGroup", "SyncGroup"] satisfies ApiName[]).map((name) => API_TABLES[name].key),
);
/** They wait for messages, or for other members of a group. */
const PARKING: ReadonlySet<number | undefined> = new Set(
  (["Fetch", "JoinGroup", "SyncGroup"] satisfies ApiName[]).map((name) => API_TABLES[name].key),
);

export class Connection {
  readonly closed: Promise<void>;
  readonly #options: ConnectionOptions;
  readonly #clock: Clock;
  readonly #reader: FrameReader;
  readonly #line: RequestLine;
  readonly #answers: AnswerBuffer;
  readonly #pace: Pace;
  readonly #account: Account;
  readonly #gate: SignInGate | undefined;
  readonly #gone = new AbortController();
  readonly #proceed = (): void => this.#goOn();
  readonly #openedMs: number;
  #caller: Caller;
  /** The client has signed in, or need not, and has sent a whole request. */
  #ready = false;
  #claimed = 0;
  #receivedMs: number;
  #leftMs: number;
  /** Why the connection ends as soon as what has begun is answered and has left; "" for no reason. */
  #ending: string | undefined;
  #answered = false;

  constructor(options: ConnectionOptions) {
    const { limits, keeper, budget, frames, turns, environment } = options;
    const { clock, random } = environment;
    this.#clock = clock;
    const stranger = keeper.asks;
    this.#reader = new FrameReader(
      stranger ? () => limits.strangerFrameBytesMax : bytesMaxOf(limits),
      frames,
    );
    const socket = receive(options.socket, {
      room: () => this.#reader.room(),
      took: (bytes) => this.#receive(this.#reader.took(bytes)),
      push: (chunk) => this.#receive(this.#reader.push(chunk)),
    });
    this.#options = { ...options, socket };
    this.#answers = new AnswerBuffer(socket, turns, {
      progress: () => this.#sent(),
      gone: (piece) => frames.give(piece),
    });
    this.#pace = new Pace(turns, limits.turnMax, () => this.#goOn());
    this.#account = budget.open(() => this.#goOn());
    this.#line = new RequestLine({
      ...limits,
      mayBegin: (request) => this.#mayBegin(request),
      settled: (reply) => this.#settled(reply),
    });
    const clientHost = socket.remoteAddress ?? "";
    const gone = this.#gone.signal;
    this.#caller = {
      clientHost,
      gone,
      may: stranger ? () => false : keeper.mayOf(LOCAL),
      claim: (bytes) => this.#claim(bytes),
      take: (bytes) => frames.take(bytes),
      claimWhole: (bytes) => this.#claimWhole(bytes),
    };
    const attempt = { door: "kafka", address: clientHost, signal: gone } as const;
    this.#gate = stranger ? new SignInGate({ keeper, random, attempt }) : undefined;
    this.#openedMs = this.#receivedMs = this.#leftMs = clock.monotonic();
    this.closed = new Promise((resolve) => socket.once("close", () => resolve(this.#end())));
    socket.setNoDelay(true);
    // What follows is always a close.
    socket.on("error", () => undefined);
  }

  /** What it holds of the door's bytes. */
  get heldBytes(): number {
    return this.#account.bytes;
  }

  /** Why the connection should end now; undefined where it may go on. "" needs no line in the log. */
  overdue(nowMs: number): string | undefined {
    const { firstRequestMs, idleMs, stalledMs } = this.#options.limits;
    if (!this.#ready && nowMs - this.#openedMs >= firstRequestMs) {
      return this.#gate === undefined ? "no whole request has come" : "nobody has signed in";
    }
    const stall = this.stall(nowMs);
    if (stall !== undefined && stall.ms >= stalledMs) return stall.why;
    const silentMs = nowMs - this.#receivedMs;
    const idle = this.#line.empty && this.#answers.bytes === 0;
    return idle && silentMs >= idleMs ? "" : undefined;
  }

  /** How long the client has held something and not gone on with it; undefined where it holds nothing. */
  stall(nowMs: number): Stall | undefined {
    if (this.#answers.bytes > 0) {
      return { ms: nowMs - this.#leftMs, why: "the client does not read its answers" };
    }
    if (this.#reader.heldBytes > 0 && !this.#options.socket.isPaused()) {
      return { ms: nowMs - this.#receivedMs, why: "a frame does not go on" };
    }
    return undefined;
  }

  /** Ends at once. */
  hangUp(why: string): void {
    const { socket, warn } = this.#options;
    if (why !== "" && !socket.destroyed) {
      warn({ client: this.#caller.clientHost, why }, "hung up on a Kafka client");
    }
    socket.destroy();
  }

  /** Reads nothing more, lets what has begun be answered, and ends. */
  async stop(): Promise<void> {
    this.#finish("");
    await this.closed;
  }

  #receive(frames: Iterable<Buffer>): void {
    this.#receivedMs = this.#clock.monotonic();
    try {
      for (const frame of frames) {
        if (this.#ending !== undefined || this.#gone.signal.aborted) break;
        this.#line.push(this.#requestOf(frame));
      }
    } catch (error) {
      if (!(error instanceof BadFrame)) throw error;
      this.#finish(error.message);
    }
    this.#count();
  }

  #requestOf(frame: Buffer): LineRequest {
    const bytes = frame.length;
    const gate = this.#gate;
    if (gate !== undefined && gate.principal === undefined) {
      const run = async (): Promise<Reply> =>
        gate.principal === undefined ? this.#askGate(gate, frame) : this.#dispatch(frame);
      return { overlaps: false, parks: false, bytes, weight: weightOf(bytes), run };
    }
    this.#ready = true;
    const key = apiKeyOf(frame);
    const overlaps = key === PRODUCE;
    const { budget, limits } = this.#options;
    // Records stay the bytes that they are; everything else becomes objects.
    const times = overlaps || bytes <= budget.smallBytes ? 1 : limits.decodedTimes;
    const weight = overlaps ? 1 : weightOf(bytes);
    const run = (): Promise<Reply> => this.#dispatch(frame, weight > limits.turnMax);
    return { overlaps, parks: PARKING.has(key), bytes: bytes * times, weight, run };
  }

  /**
   * The frame's memory is used again when it is answered: then no handler has a view of it. A request
   * that failed, and so ends the connection, keeps it: nobody knows how far it came.
   */
  async #dispatch(frame: Buffer, inTurns = false): Promise<Reply> {
    const { handlers, environment, frames } = this.#options;
    const { clock, log } = environment;
    const hangUp = (why: string): void => this.#finish(why);
    const turn = inTurns ? (): Promise<void> => delay(clock, 0) : undefined;
    const options = { handlers, log, hangUp, turn };
    const reply = await dispatch(frame, this.#caller, options);
    if (this.#ending === undefined) frames.give(frame);
    return reply;
  }

  async #askGate(gate: SignInGate, frame: Buffer): Promise<Reply> {
    try {
      const answer = await gate.take(frame);
      if (answer === "passes") return await this.#dispatch(frame);
      if (gate.principal !== undefined) {
        const { limits, keeper } = this.#options;
        this.#reader.bytesMax = bytesMaxOf(limits);
        this.#caller = { ...this.#caller, may: keeper.mayOf(gate.principal) };
        this.#ready = true;
      }
      if (answer.hangUp !== undefined) this.#finish(answer.hangUp);
      return answer.reply;
    } catch (error) {
      if (!isWireError(error)) throw error;
      this.#finish(error.message);
      return undefined;
    }
  }

  #mayBegin({ weight }: LineRequest): boolean {
    if (this.#ending !== undefined) return false;
    const { budget, limits, wide } = this.#options;
    // Beyond the budget nobody is given more who has not taken what there is, also not in its turn.
    const unsentBytesMax = budget.over ? budget.smallBytes : limits.unsentBytesMax;
    if (this.#answers.bytes > unsentBytesMax) return false;
    if (!this.#account.mayTake()) return false;
    if (!this.#pace.may(weight === 1)) return false;
    if (weight > limits.turnMax && !wide.take(weight * WEIGHED_BYTES, this.#proceed)) return false;
    this.#pace.count(weight);
    return true;
  }

  /** How much an answer that is being made may have; held until it is made. */
  #claim(bytes: number): number {
    this.#claimed = 0;
    this.#hold();
    this.#claimed = bytes === 0 ? 0 : this.#account.grant(bytes);
    this.#hold();
    return this.#claimed;
  }

  /** Waits, where need be, until so much more may be held. False where the client has gone by then. */
  #claimWhole(bytes: number): Promise<boolean> {
    this.#claimed = 0;
    this.#hold();
    const { signal } = this.#gone;
    return new Promise((resolve) => {
      const gone = (): void => resolve(false);
      if (signal.aborted) return gone();
      signal.addEventListener("abort", gone, { once: true });
      this.#account.room(bytes, () => {
        signal.removeEventListener("abort", gone);
        this.#claimed = bytes;
        this.#hold();
        resolve(true);
      });
    });
  }

  #settled(reply: Reply): void {
    this.#claimed = 0;
    if (reply !== undefined) {
      if (this.#answers.bytes === 0) this.#leftMs = this.#clock.monotonic();
      this.#answers.push(reply);
    }
    this.#count();
    this.#endIfSent();
  }

  #sent(): void {
    this.#leftMs = this.#clock.monotonic();
    this.#goOn();
    this.#endIfSent();
  }

  #goOn(): void {
    this.#line.proceed();
    this.#count();
  }

  #hold(): void {
    const { bytes } = this.#line;
    this.#account.hold(this.#reader.heldBytes + bytes + this.#answers.heldBytes + this.#claimed);
  }

  /** Says what is held, and reads on or not. */
  #count(): void {
    const { socket } = this.#options;
    if (socket.destroyed) return;
    this.#hold();
    const reads = this.#ending === undefined && !this.#line.full && this.#account.mayTake();
    if (!reads) socket.pause();
    else if (socket.isPaused()) {
      // The time that it was not read is not the client's.
      this.#receivedMs = this.#clock.monotonic();
      socket.resume();
    }
  }

  /** Ends when what has begun is answered, and the answers have left. */
  #finish(why: string): void {
    if (this.#ending !== undefined) return;
    this.#ending = why;
    this.#options.socket.pause();
    void this.#line.stop().then(() => {
      this.#answered = true;
      this.#endIfSent();
    });
  }

  #endIfSent(): void {
    if (this.#answered && this.#answers.bytes === 0) this.hangUp(this.#ending ?? "");
  }

  #end(): void {
    this.#pace.cancel();
    this.#answers.cancel();
    this.#options.wide.leave(this.#proceed);
    this.#line.end();
    this.#account.close();
    this.#gone.abort();
  }
}

function bytesMaxOf(limits: ConnectionLimits): (apiKey: number | undefined) => number {
  const { frameBytesMax, groupFrameBytesMax, otherFrameBytesMax } = limits;
  return (apiKey) => {
    if (apiKey === undefined || apiKey === PRODUCE) return frameBytesMax;
    return OF_GROUPS.has(apiKey) ? groupFrameBytesMax : otherFrameBytesMax;
  };
}

/** So many bytes of a request that is decoded cost as much as the smallest request does. */
const WEIGHED_BYTES = 1024;

const weightOf = (bytes: number): number => 1 + Math.floor(bytes / WEIGHED_BYTES);

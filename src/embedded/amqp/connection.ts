/**
 * One client's connection: bytes in, frames to rhea, and its events to the links.
 *
 * Frames are handed to rhea as they lie, up to one that holds up those behind it: an attach waits until it
 * is decided what it means, which may take a write to the disk, and so does what follows a sign-in until it
 * is answered; meanwhile nothing else is read. What rhea throws, or a rule of the protocol that is broken,
 * ends this connection and no other.
 *
 * Five things stop it from reading on: a decision that is due, messages that wait for the disk, frames that
 * it has not come to, the door's bound on the bytes of all connections (`holdings.ts`), and that it had its
 * turn. Three end it from here: a handshake that takes too long, a client that does not read what it asked
 * for, and one that stands still on memory that others wait for.
 */

import type { Socket } from "node:net";
import type { Principal } from "../../broker/sign-in.ts";
import type { Timer } from "../../model/clock.ts";
import { LOCAL, type Attempt, type May } from "../doors/doorkeeper.ts";
import { Pace } from "../doors/pace.ts";
import type { DoorContext } from "./door-context.ts";
import { Holdings, type Standstill } from "./holdings.ts";
import { Links } from "./links/links.ts";
import {
  DECODE_ERROR,
  FORCED,
  FRAMING_ERROR,
  INTERNAL_ERROR,
  RESOURCE_LIMIT,
  type Refusal,
} from "./protocol/conditions.ts";
import { Answers } from "./protocol/answers.ts";
import { MalformedAmqp } from "./protocol/encoding.ts";
import {
  AMQP_HEADER,
  ATTACH,
  FrameGuard,
  OtherProtocol,
  SASL_HEADER,
  SASL_INIT,
  SASL_RESPONSE,
} from "./protocol/frame-guard.ts";
import { GuardedSocket } from "./protocol/guarded-socket.ts";
import { createServerConnection, type RheaConnection } from "./protocol/rhea.ts";
import { createMechanisms } from "./protocol/sign-in.ts";
import { beStrict, Violation } from "./protocol/strict-performatives.ts";

/** Bytes that lie here and may be handed on although all connections together have done enough. */
const SMALL_BYTES = 4 * 1024;
/** So many bytes of a message cost as much as a frame does. */
const WEIGHED_BYTES = 1024;

export class AmqpConnection {
  readonly closed: Promise<void>;
  readonly #socket: Socket;
  readonly #context: DoorContext;
  readonly #guard: FrameGuard;
  readonly #guarded: GuardedSocket;
  readonly #rhea: RheaConnection;
  readonly #answers: Answers;
  readonly #links: Links;
  readonly #holdings: Holdings;
  readonly #pace: Pace;
  readonly #gone = new AbortController();
  #principal: Principal | undefined;
  #held = false;
  /** Nothing more is read: it is being closed from here. */
  #ending = false;
  #handshake: Timer | undefined;

  constructor(socket: Socket, context: DoorContext) {
    const { limits, engine, keeper, budget } = context;
    this.#socket = socket;
    this.#context = context;
    this.#guard = new FrameGuard(limits.frameBytesMax);
    this.#holdings = new Holdings({
      limits,
      budget,
      wake: () => this.#woken(),
      unread: () => this.#guard.pending,
      unsent: () => socket.writableLength,
    });
    this.#pace = new Pace(context.turns, limits.turnMax, () => this.#goOn());
    this.#guarded = new GuardedSocket(socket, (answer) => this.#answeredSignIn(answer));
    if (!keeper.asks) this.#principal = LOCAL;
    const { events, connection } = createServerConnection({
      id: engine.cluster,
      frameBytesMax: limits.frameBytesMax,
      sessionsMax: limits.sessionsMax,
      unsettledMax: limits.unsettledMax,
      ...(keeper.asks && {
        mechanisms: createMechanisms(
          { keeper, random: engine.environment.random, attempt: this.#attempt() },
          (result) => this.#signedIn(result),
        ),
      }),
    });
    this.#rhea = connection;
    this.#answers = new Answers(connection);
    this.#links = new Links({
      context,
      events,
      answers: this.#answers,
      may: (...question) => this.#may(...question),
      containerId: () => String(connection.container_id),
      holdings: this.#holdings,
      defect: (error) => this.#defect(error),
    });
    beStrict(connection, {
      limits,
      opened: () => this.#opened(),
      onAttach: (frame, attach) => {
        this.#hold(this.#links.attach(frame, attach));
      },
      incomingOf: (link) => this.#links.incomingOf(link),
      received: (link, delivery, message) => this.#links.received(link, delivery, message),
      told: (session, range) => this.#links.told(session, range),
      changed: () => this.#links.changed(),
      failed: (violation) => this.#defect(violation),
    });
    events.on("error", (error: unknown) => this.#defect(error));
    events.on("protocol_error", (error: unknown) => this.#defect(error));
    events.on("connection_close", () => this.#links.end("detached"));
    // Told by the links' own events, or of no interest; rhea complains of those that nobody hears.
    for (const name of ["connection_error", "disconnected"]) events.on(name, () => {});
    connection.accept(this.#guarded);
    this.closed = this.#listen();
  }

  /** Tells the client, and ends. */
  close(): void {
    this.#refuse({ condition: FORCED, description: "the broker is closing; connect again later" });
  }

  /** What it holds of the door's bytes. */
  get heldBytes(): number {
    return this.#holdings.bytes;
  }

  standstill(nowMs: number): Standstill {
    const { bytesWritten: written } = this.#socket;
    return this.#holdings.standstill(nowMs, { written, reads: !this.#socket.isPaused() });
  }

  /** Ends at once: it takes nothing of what it was sent. */
  cutOff(): void {
    this.#context.warn(this.#facts(), "closed an AMQP client that does not read");
    this.#socket.destroy();
  }

  /** Ends because others need the memory that it holds. */
  giveUp(): void {
    this.#context.warn(this.#facts(), "closed an AMQP client that held memory and stood still");
    this.#refuse({
      condition: RESOURCE_LIMIT,
      description: "others wait for the memory that unfinished or unread messages take here",
    });
  }

  #listen(): Promise<void> {
    const socket = this.#socket;
    const { clock } = this.#context.engine.environment;
    const { handshakeMs } = this.#context.limits;
    this.#handshake = clock.after(handshakeMs, () => socket.destroy());
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("drain", () => this.#woken());
    // Told by "close", which follows.
    socket.on("error", () => {});
    socket.on("end", () => socket.end());
    return new Promise((resolve) => {
      socket.on("close", () => {
        this.#ending = true;
        this.#handshake?.cancel();
        this.#pace.cancel();
        this.#gone.abort();
        this.#links.end("lost");
        // rhea's own timers end with it; what it is asked to write after that must not begin another,
        // which would keep the process from ending for twice the time of silence.
        this.#guarded.emit("end");
        this.#rhea.socket_ready = false;
        this.#holdings.close();
        void this.#links.dispose().finally(resolve);
      });
    });
  }

  #read(chunk: Buffer): void {
    if (this.#ending) return;
    this.#guard.push(chunk);
    this.#goOn();
  }

  #goOn(): void {
    try {
      while (!this.#held && !this.#ending && this.#pace.may(this.#guard.pending < SMALL_BYTES)) {
        const frames = this.#guard.next();
        if (frames === undefined) break;
        const { attachWeight } = this.#context.limits;
        const weight = frames.code === ATTACH ? attachWeight : frames.count;
        this.#pace.count(weight + Math.floor(frames.bytes.length / WEIGHED_BYTES));
        this.#holdings.framed(frames.bytes.length);
        if (frames.code === SASL_INIT || frames.code === SASL_RESPONSE) this.#held = true;
        this.#guarded.emit("data", frames.bytes);
      }
    } catch (error) {
      this.#defect(error);
    }
    this.#readOrNot();
  }

  #woken(): void {
    this.#links.changed();
    this.#readOrNot();
  }

  /** Nothing is read until the work is done. */
  #hold(work: Promise<void>): void {
    this.#held = true;
    void work
      .catch((error: unknown) => this.#defect(error))
      .then(() => {
        this.#held = false;
        this.#goOn();
      });
  }

  #readOrNot(): void {
    this.#holdings.update();
    const waits = this.#held || this.#pace.waiting;
    const behind = waits && this.#guard.pending > this.#context.limits.frameBytesMax;
    if (behind || !this.#holdings.mayRead) this.#socket.pause();
    else if (this.#socket.isPaused()) this.#socket.resume();
  }

  #attempt(): Omit<Attempt, "user"> {
    const address = this.#socket.remoteAddress ?? "";
    return { door: "amqp", address, signal: this.#gone.signal };
  }

  #signedIn(result: Parameters<Parameters<typeof createMechanisms>[1]>[0]): void {
    if ("name" in result) this.#principal = result;
    else if (!result.told)
      this.#context.warn({ ...this.#facts(), why: result.failed }, "a sign-in failed");
  }

  #answeredSignIn(answer: "challenge" | "outcome"): void {
    if (answer === "outcome" && this.#principal === undefined) return this.#endSoon();
    process.nextTick(() => {
      this.#held = false;
      this.#goOn();
    });
  }

  #may(...question: Parameters<May>): boolean {
    if (this.#principal === undefined) return false;
    return this.#context.keeper.mayOf(this.#principal)(...question);
  }

  #opened(): void {
    this.#handshake?.cancel();
    this.#rhea.local.open["idle_time_out"] = this.#context.limits.idleMs;
  }

  /** Something that this connection cannot go on after: the client's fault, or a defect of ours. */
  #defect(error: unknown): void {
    if (error instanceof OtherProtocol) {
      // What is spoken here (part 2.2), and nothing more.
      this.#socket.write(this.#context.keeper.asks ? SASL_HEADER : AMQP_HEADER);
      return this.#endSoon();
    }
    if (error instanceof Violation) return this.#refuse(error.refusal);
    if (error instanceof MalformedAmqp) {
      return this.#refuse({ condition: FRAMING_ERROR, description: error.message });
    }
    const isProtocol = error instanceof Error && error.name === "ProtocolError";
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#context.warn({ ...this.#facts(), error: text }, "an AMQP connection failed");
    this.#refuse({
      condition: isProtocol ? DECODE_ERROR : INTERNAL_ERROR,
      description: isProtocol ? "what came could not be understood" : "the broker failed",
    });
  }

  #refuse(refusal: Refusal): void {
    if (this.#ending) return;
    this.#links.end("detached");
    this.#answers.close();
    if (this.#rhea.is_remote_open()) {
      this.#rhea.open();
      this.#rhea.close(refusal);
    }
    this.#endSoon();
  }

  /** After what is written now; a client that does not end then is cut off. */
  #endSoon(): void {
    if (this.#ending) return;
    this.#ending = true;
    const { clock } = this.#context.engine.environment;
    const timer = clock.after(this.#context.limits.closeMs, () => this.#socket.destroy());
    void this.closed.then(() => timer.cancel());
    process.nextTick(() => process.nextTick(() => this.#socket.end()));
  }

  #facts(): { readonly client: string } {
    return { client: this.#socket.remoteAddress ?? "" };
  }
}

/**
 * What one connection makes the door keep in memory: bytes of frames and of messages that are not whole,
 * messages that wait for the disk, and what the client was sent and has not taken.
 *
 * The sum is held in the connection's account of the door's budget. Beyond the budget who holds more than
 * a little is neither read nor sent anything until there is room, and who then stands still is closed
 * (`amqp-service.ts`). Standing still means that a frame does not go on, that no message becomes whole, or
 * that nothing is taken; signs of life, which clients send by themselves, are no progress.
 */

import type { Account, ByteBudget } from "../doors/byte-budget.ts";
import type { AmqpLimits } from "./settings.ts";

/** What a message or a part of one costs beside its bytes. */
const ENTRY_BYTES = 512;

export interface HoldingsOptions {
  readonly limits: AmqpLimits;
  readonly budget: ByteBudget;
  /** It may read, or be sent, again. */
  readonly wake: () => void;
  /** Of frames that are not whole, or whose turn has not come. */
  readonly unread: () => number;
  /** That wait in the socket. */
  readonly unsent: () => number;
}

export interface Standstill {
  readonly ms: number;
  readonly untakenMs: number;
}

/** What is there to do, and how far it has come; when that changed last. */
interface Progress {
  at: number;
  sinceMs: number;
}

export class Holdings {
  readonly #options: HoldingsOptions;
  readonly #account: Account;
  #waitingBytes = 0;
  #unfinishedBytes = 0;
  #finished = 0;
  #framedBytes = 0;
  #pendingBytes = 0;
  readonly #frames: Progress = { at: 0, sinceMs: 0 };
  readonly #messages: Progress = { at: 0, sinceMs: 0 };
  readonly #taken: Progress = { at: 0, sinceMs: 0 };
  readonly #window: Progress = { at: 0, sinceMs: 0 };

  constructor(options: HoldingsOptions) {
    this.#options = options;
    this.#account = options.budget.open(options.wake);
  }

  get bytes(): number {
    return this.#account.bytes;
  }

  /** Whole frames were handed on. */
  framed(bytes: number): void {
    this.#framedBytes += bytes;
  }

  /** A message waits for the disk. */
  waits(bytes: number): void {
    this.#waitingBytes += bytes + ENTRY_BYTES;
  }

  /** So many messages of so many bytes wait no longer. */
  waited(count: number, bytes: number): void {
    this.#waitingBytes -= bytes + count * ENTRY_BYTES;
    this.update();
  }

  /** A part of a message that is not whole; false where the connection has too many of them. */
  gathers(bytes: number): boolean {
    const { unfinishedBytesMax } = this.#options.limits;
    const sum = this.#unfinishedBytes + bytes + ENTRY_BYTES;
    if (sum > unfinishedBytesMax) return false;
    this.#unfinishedBytes = sum;
    return true;
  }

  /** A message of so many parts and bytes is whole, or was dropped. */
  gathered(parts: number, bytes: number): void {
    this.#unfinishedBytes -= bytes + parts * ENTRY_BYTES;
    this.#finished++;
  }

  /** A delivery waits for the client's window; negative when it no longer does. */
  sends(bytes: number): void {
    this.#pendingBytes += bytes;
    this.update();
  }

  /** How much may be sent to the client now. */
  get sendRoom(): number {
    const { budget, limits } = this.#options;
    const bytesMax = budget.over ? budget.smallBytes : limits.unsentBytesMax;
    const room = bytesMax - this.#unsentBytes;
    return room > 0 && this.#account.mayTake() ? room : 0;
  }

  /**
   * Who does not take even its answers is asked nothing more. Deliveries alone, which end at half of this,
   * never stop it: two sides that only write would wait for each other.
   */
  get mayRead(): boolean {
    const { incomingBytesMax, unsentBytesMax } = this.#options.limits;
    if (this.#waitingBytes > incomingBytesMax || this.#unsentBytes > 2 * unsentBytesMax)
      return false;
    return this.#account.mayTake();
  }

  /** Says how much it is now. */
  update(): void {
    const incoming = this.#waitingBytes + this.#unfinishedBytes + this.#options.unread();
    this.#account.hold(incoming + this.#unsentBytes);
  }

  /**
   * For how long the client has gone on with nothing that is its to go on with, and has taken nothing of
   * what waits in the socket. `written` is what it was sent in all; `reads` is false where it may not send.
   */
  standstill(
    nowMs: number,
    { written, reads }: { readonly written: number; readonly reads: boolean },
  ): Standstill {
    this.update();
    const frameMs = heldUp(this.#frames, this.#framedBytes, nowMs, {
      open: reads && this.#options.unread() > 0,
    });
    const messageMs = heldUp(this.#messages, this.#finished, nowMs, {
      open: reads && this.#unfinishedBytes > 0,
    });
    const takenBytes = written - this.#options.unsent();
    const untakenMs = heldUp(this.#taken, takenBytes, nowMs, { open: this.#options.unsent() > 0 });
    const windowMs = heldUp(this.#window, takenBytes, nowMs, { open: this.#pendingBytes > 0 });
    return { ms: Math.max(frameMs, messageMs, untakenMs, windowMs), untakenMs };
  }

  close(): void {
    this.#account.close();
  }

  get #unsentBytes(): number {
    return this.#pendingBytes + this.#options.unsent();
  }
}

function heldUp(
  progress: Progress,
  at: number,
  nowMs: number,
  { open }: { readonly open: boolean },
): number {
  if (!open || progress.at !== at) {
    progress.at = at;
    progress.sinceMs = nowMs;
  }
  return nowMs - progress.sinceMs;
}

/**
 * What rhea takes for its socket: it is given whole frames that have been looked at, and what it writes in
 * one tick leaves in one piece.
 */

import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { SASL_CHALLENGE, SASL_OUTCOME } from "./frame-guard.ts";

export class GuardedSocket extends EventEmitter {
  readonly #socket: Socket;
  readonly #onSignIn: (answer: "challenge" | "outcome") => void;
  #corked = false;

  /** `onSignIn` is told when an answer to what a client signs in with was written. */
  constructor(socket: Socket, onSignIn: (answer: "challenge" | "outcome") => void) {
    super();
    this.#socket = socket;
    this.#onSignIn = onSignIn;
  }

  /** Called by rhea; frames come one at a time. */
  write(frame: Buffer): void {
    if (!this.#socket.writable) return;
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(frame);
    if (isSignIn(frame, SASL_CHALLENGE)) this.#onSignIn("challenge");
    if (isSignIn(frame, SASL_OUTCOME)) this.#onSignIn("outcome");
  }

  /**
   * Called by rhea, also right after it was told of an error; what was said to the client meanwhile it
   * writes in the next tick, and that must leave first.
   */
  end(): void {
    process.nextTick(() => process.nextTick(() => this.#socket.end()));
  }

  destroy(): void {
    this.#socket.destroy();
  }

  setNoDelay(): void {
    this.#socket.setNoDelay(true);
  }

  /** For rhea's own traces. */
  get_id_string(): string {
    return `${this.#socket.remoteAddress ?? ""}:${this.#socket.remotePort ?? ""}`;
  }
}

function isSignIn(frame: Buffer, code: number): boolean {
  return frame.length > 10 && frame[5] === 1 && frame[9] === 0x53 && frame[10] === code;
}

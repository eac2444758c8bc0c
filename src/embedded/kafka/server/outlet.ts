/**
 * The answers of one connection that have not left. They are handed to the socket a part at a time, so
 * that a large answer to a slow reader shows progress, and one that makes none can be told.
 */

import type { Writable } from "node:stream";

/** Given to the socket at a time. */
const PART_BYTES = 1024 * 1024;

export interface OutletEvents {
  /** A part has left. */
  readonly progress: () => void;
  /** The answer with this piece has left: nobody reads the piece any more. */
  readonly gone: (piece: Buffer) => void;
}

interface Answer {
  readonly pieces: readonly Buffer[];
  /** Of the answer and of all before it, counted from the connection's beginning. */
  readonly endBytes: number;
}

export class Outlet {
  readonly #socket: Writable;
  readonly #events: OutletEvents;
  #pieces: Buffer[] = [];
  /** Those of which something has not left, the oldest first. */
  readonly #answers: Answer[] = [];
  #takenBytes = 0;
  #leftBytes = 0;
  #writing = false;

  constructor(socket: Writable, events: OutletEvents) {
    this.#socket = socket;
    this.#events = events;
  }

  /** What has not left. */
  get bytes(): number {
    return this.#takenBytes - this.#leftBytes;
  }

  push(pieces: readonly Buffer[]): void {
    for (const piece of pieces) {
      this.#pieces.push(piece);
      this.#takenBytes += piece.length;
    }
    this.#answers.push({ pieces, endBytes: this.#takenBytes });
    if (!this.#writing) this.#write();
  }

  #write(): void {
    const socket = this.#socket;
    const part = this.#nextPart();
    const last = part.pop();
    this.#writing = last !== undefined;
    if (last === undefined) return;
    const bytes = part.reduce((sum, { length }) => sum + length, last.length);
    socket.cork();
    for (const piece of part) socket.write(piece);
    socket.write(last, (error) => {
      // The connection has ended, and with it everything that it held.
      if (error) return;
      this.#left(bytes);
      this.#write();
      this.#events.progress();
    });
    socket.uncork();
  }

  #left(bytes: number): void {
    this.#leftBytes += bytes;
    while (this.#answers[0] !== undefined && this.#answers[0].endBytes <= this.#leftBytes) {
      // Two pieces may be views of one memory: it is free when all of them have left.
      for (const piece of this.#answers.shift()!.pieces) this.#events.gone(piece);
    }
  }

  #nextPart(): Buffer[] {
    let bytes = 0;
    const part: Buffer[] = [];
    let index = 0;
    while (index < this.#pieces.length && bytes < PART_BYTES) {
      const piece = this.#pieces[index]!;
      const room = PART_BYTES - bytes;
      part.push(piece.length <= room ? piece : piece.subarray(0, room));
      bytes += Math.min(piece.length, room);
      if (piece.length > room) this.#pieces[index] = piece.subarray(room);
      else index++;
    }
    this.#pieces = this.#pieces.slice(index);
    return part;
  }
}

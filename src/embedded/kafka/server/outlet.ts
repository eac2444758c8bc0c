/**
 * The answers of one connection that have not left. They are handed to the socket a part at a time, so
 * that a large answer to a slow reader shows progress, and one that makes none can be told.
 */

import type { Writable } from "node:stream";

/** Given to the socket at a time. */
const PART_BYTES = 1024 * 1024;

export class Outlet {
  readonly #socket: Writable;
  readonly #left: () => void;
  #pieces: Buffer[] = [];
  #bytes = 0;
  #writing = false;

  /** `left` is called whenever a part has left. */
  constructor(socket: Writable, left: () => void) {
    this.#socket = socket;
    this.#left = left;
  }

  /** What has not left. */
  get bytes(): number {
    return this.#bytes;
  }

  push(pieces: readonly Buffer[]): void {
    for (const piece of pieces) {
      this.#pieces.push(piece);
      this.#bytes += piece.length;
    }
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
      this.#bytes -= bytes;
      this.#write();
      this.#left();
    });
    socket.uncork();
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

/**
 * The answers of one connection that have not left. They are handed to the socket a part at a time, so
 * that a large answer to a slow reader shows progress, and one that makes none can be told.
 *
 * Records are views of what was read from the disk, and a view keeps all of its memory: what is held is
 * counted by the memory that pieces lie in, which is given back with the last of them.
 */

import type { Writable } from "node:stream";
import type { Turns } from "../../doors/turns.ts";

/** Given to the socket at a time. */
const PART_BYTES = 1024 * 1024;
/** Up to here an answer leaves in the turn in which it is made. */
const SMALL_BYTES = 64 * 1024;
/** So many bytes that are copied to the system cost as much as the smallest request. */
const WEIGHED_BYTES = 16 * 1024;

export interface AnswerEvents {
  /** A part has left. */
  readonly progress: () => void;
  /** The answer with this piece has left: nobody reads the piece any more. */
  readonly gone: (piece: Buffer) => void;
}

interface Piece {
  bytes: Buffer;
  /** Given back when it has left. */
  holds: number;
  /** All pieces of the answer whose last one this is. */
  ends: readonly Buffer[];
}

const NOTHING: readonly Buffer[] = [];

export class AnswerBuffer {
  readonly #socket: Writable;
  readonly #turns: Turns;
  readonly #events: AnswerEvents;
  readonly #goOn = (): void => this.#write();
  #pieces: Piece[] = [];
  #bytes = 0;
  #heldBytes = 0;
  #writing = false;

  constructor(socket: Writable, turns: Turns, events: AnswerEvents) {
    this.#socket = socket;
    this.#turns = turns;
    this.#events = events;
  }

  /** What has not left. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The memory that is kept for what has not left. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  push(pieces: readonly Buffer[]): void {
    let last: Piece | undefined;
    for (const bytes of pieces) {
      const shares =
        last?.bytes.buffer === bytes.buffer && bytes.buffer.byteLength > Buffer.poolSize;
      const piece = { bytes, holds: shares ? last!.holds : memoryOf(bytes), ends: NOTHING };
      if (shares) last!.holds = 0;
      else this.#heldBytes += piece.holds;
      this.#pieces.push(piece);
      this.#bytes += bytes.length;
      last = piece;
    }
    if (last !== undefined) last.ends = pieces;
    if (!this.#writing) this.#writeInTurn();
  }

  /** Writes nothing more. */
  cancel(): void {
    this.#turns.leave(this.#goOn);
  }

  /** Large parts of many connections in one turn would keep the small ones of others waiting. */
  #writeInTurn(): void {
    this.#writing = true;
    if (this.#bytes <= SMALL_BYTES || !this.#turns.full) this.#write();
    else this.#turns.wait(this.#goOn);
  }

  #write(): void {
    const socket = this.#socket;
    const { buffers, holds, gone } = this.#nextPart();
    const last = buffers.pop();
    this.#writing = last !== undefined;
    if (last === undefined) return;
    const bytes = buffers.reduce((sum, { length }) => sum + length, last.length);
    this.#turns.count(Math.floor(bytes / WEIGHED_BYTES));
    socket.cork();
    for (const buffer of buffers) socket.write(buffer);
    socket.write(last, (error) => {
      // The connection has ended, and with it everything that it held.
      if (error) return;
      this.#bytes -= bytes;
      this.#heldBytes -= holds;
      for (const piece of gone) this.#events.gone(piece);
      this.#writeInTurn();
      this.#events.progress();
    });
    socket.uncork();
  }

  /**
   * `holds` is given back when the part has left, and `gone` are then the pieces of answers that have
   * left as a whole: two pieces of an answer may be views of one memory.
   */
  #nextPart(): { readonly buffers: Buffer[]; readonly holds: number; readonly gone: Buffer[] } {
    let room = PART_BYTES;
    let holds = 0;
    const gone: Buffer[] = [];
    const buffers: Buffer[] = [];
    let index = 0;
    while (index < this.#pieces.length && room > 0) {
      const piece = this.#pieces[index]!;
      const { bytes } = piece;
      const fits = bytes.length <= room;
      buffers.push(fits ? bytes : bytes.subarray(0, room));
      if (fits) {
        holds += piece.holds;
        gone.push(...piece.ends);
        index++;
      } else piece.bytes = bytes.subarray(room);
      room -= Math.min(bytes.length, room);
    }
    this.#pieces = this.#pieces.slice(index);
    return { buffers, holds, gone };
  }
}

/** Of the pool for small buffers a view keeps no more than its part: others use the rest. */
function memoryOf({ buffer, length }: Buffer): number {
  return buffer.byteLength > Buffer.poolSize ? buffer.byteLength : length;
}

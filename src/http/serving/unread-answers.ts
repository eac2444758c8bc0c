/**
 * Bounds what answers wait in memory for their readers, over all connections (law 12).
 *
 * An answer that is no stream is handed over whole, so a reader that asks and does not read costs its
 * size until its connection falls silent for too long; some hundred of them cost a gigabyte. Past the
 * bound those are cut off that have had the most time to read.
 */

import type { Socket } from "node:net";

export class UnreadAnswers {
  readonly #bytesMax: number;
  /** The one that was asked last stands last. */
  readonly #sockets = new Set<Socket>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Something was asked on the connection. */
  add(socket: Socket): void {
    if (!this.#sockets.delete(socket)) socket.once("close", () => this.#sockets.delete(socket));
    this.#sockets.add(socket);
  }

  /** To be called when an answer was handed over. */
  trim(): void {
    let bytes = 0;
    for (const { writableLength } of this.#sockets) bytes += writableLength;
    for (const socket of this.#sockets) {
      if (bytes <= this.#bytesMax) return;
      if (socket.writableLength === 0) continue;
      bytes -= socket.writableLength;
      socket.destroy();
    }
  }
}

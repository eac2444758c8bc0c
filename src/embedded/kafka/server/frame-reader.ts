/**
 * Cuts a connection's bytes into frames: a length of four bytes, then so many bytes.
 *
 * What comes next goes where `room` says: between two frames to a landing that all connections share,
 * from where small frames are copied out; inside a large frame to that frame's own memory, so that its
 * bytes are where they belong when the system has written them.
 *
 * Memory is taken for bytes that have come, not for bytes that a length promises: a stranger who
 * announces a gigabyte and sends nothing costs little. A frame's memory begins with what has come or
 * `FIRST_BYTES` and grows with it; who has sent large frames is believed another of that size, within
 * `BELIEVED_BYTES_MAX`, because growing means copying.
 */

import { FrameBuffers } from "./frame-buffers.ts";

const LENGTH_BYTES = 4;
/** A request begins with its API's key. */
const KEY_BYTES = 2;
const HEAD_BYTES = LENGTH_BYTES + KEY_BYTES;
const FIRST_BYTES = 16 * 1024;
const BELIEVED_BYTES_MAX = 1024 * 1024;
const GROWTH = 4;

/** The longest frame of a request with this key; of a frame too short for a key, with any. */
export type FrameBytesMax = (apiKey: number | undefined) => number;

/** A frame that is not complete. */
interface OpenFrame {
  memory: Buffer;
  filled: number;
  readonly length: number;
}

export class FrameReader {
  /** May be changed when the client has signed in. */
  bytesMax: FrameBytesMax;
  readonly #buffers: FrameBuffers;
  /** The beginning of a frame whose length, or key, has not come. */
  readonly #head = Buffer.alloc(HEAD_BYTES);
  #headed = 0;
  #open: OpenFrame | undefined;
  #largest = 0;

  /** Frames are lent by `buffers`: who gives them back there saves their making anew. */
  constructor(bytesMax: FrameBytesMax, buffers: FrameBuffers = new FrameBuffers()) {
    this.bytesMax = bytesMax;
    this.#buffers = buffers;
  }

  /** The memory that a frame has which is not complete. */
  get heldBytes(): number {
    return this.#headed + (this.#open?.memory.length ?? 0);
  }

  /** Where the next bytes of the connection go, until the next call of `took` or `push`. */
  room(): Buffer {
    const open = this.#open;
    return open === undefined ? this.#buffers.landing : open.memory.subarray(open.filled);
  }

  /**
   * Yields the frames that are complete with the next `bytes` bytes, which stand in the `room`. Throws
   * `BadFrame`; then nothing follows.
   */
  *took(bytes: number): Generator<Buffer> {
    const open = this.#open;
    if (open === undefined) {
      yield* this.#scan(this.#buffers.landing.subarray(0, bytes));
      return;
    }
    open.filled += bytes;
    if (open.filled === open.length) yield this.#complete(open);
    else if (open.filled === open.memory.length) this.#grow(open);
  }

  /** As `took`, for bytes that stand elsewhere. */
  *push(chunk: Buffer): Generator<Buffer> {
    let at = 0;
    while (this.#open !== undefined && at < chunk.length) {
      const taken = chunk.copy(this.room(), 0, at);
      at += taken;
      yield* this.took(taken);
    }
    yield* this.#scan(chunk.subarray(at));
  }

  /** Bytes between frames, and of frames that begin in them. */
  *#scan(bytes: Buffer): Generator<Buffer> {
    for (let at = 0; at < bytes.length;) {
      const headed = this.#headed;
      const head = headed + bytes.copy(this.#head, headed, at);
      const length = this.#lengthIn(head);
      if (length === undefined) {
        this.#headed = head;
        return;
      }
      // The key, where it has come before, is the frame's beginning.
      const before = Math.max(0, headed - LENGTH_BYTES);
      at += LENGTH_BYTES - (headed - before);
      this.#headed = 0;
      const come = Math.min(length, before + bytes.length - at);
      const open = { memory: this.#memoryFor(length, come), filled: come, length };
      this.#head.copy(open.memory, 0, LENGTH_BYTES, LENGTH_BYTES + before);
      at += bytes.copy(open.memory, before, at, at + come - before);
      if (come === length) yield this.#complete(open);
      else this.#open = open;
    }
  }

  /** The length that a head of so many bytes announces; undefined where more must come. */
  #lengthIn(head: number): number | undefined {
    if (head < LENGTH_BYTES) return undefined;
    const length = this.#head.readInt32BE(0);
    const keyed = length >= KEY_BYTES && head === HEAD_BYTES;
    const bytesMax = this.bytesMax(keyed ? this.#head.readInt16BE(LENGTH_BYTES) : undefined);
    if (length < 0 || length > bytesMax) throw new BadFrame(length, bytesMax);
    return length < KEY_BYTES || keyed ? length : undefined;
  }

  #memoryFor(length: number, come: number): Buffer {
    const believed = Math.min(2 * this.#largest, BELIEVED_BYTES_MAX);
    return this.#buffers.take(Math.min(length, Math.max(come + 1, FIRST_BYTES, believed)));
  }

  #grow(open: OpenFrame): void {
    const { memory, length } = open;
    open.memory = this.#buffers.take(Math.min(length, memory.length * GROWTH));
    memory.copy(open.memory);
    this.#buffers.give(memory);
  }

  #complete({ memory, length }: OpenFrame): Buffer {
    this.#open = undefined;
    this.#largest = Math.max(this.#largest, length);
    return memory;
  }
}

export class BadFrame extends Error {
  override readonly name = "BadFrame";

  constructor(length: number, bytesMax: number) {
    super(`a frame of ${length} bytes; 0 to ${bytesMax} are taken`);
  }
}

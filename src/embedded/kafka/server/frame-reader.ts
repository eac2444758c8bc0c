/**
 * Cuts a connection's bytes into frames: a length of four bytes, then so many bytes.
 *
 * Memory is taken for bytes that have come, never for bytes that a length promises: a stranger who
 * announces a gigabyte and sends nothing costs four bytes.
 */

const LENGTH_BYTES = 4;

export class FrameReader {
  /** Frames longer than this are refused; it may be raised when the client has signed in. */
  bytesMax: number;
  #chunks: Buffer[] = [];
  #held = 0;

  constructor(bytesMax: number) {
    this.bytesMax = bytesMax;
  }

  /** Bytes of a frame that is not complete. */
  get heldBytes(): number {
    return this.#held;
  }

  /** Takes what came and yields the frames that it completes. Throws `BadFrame`; then nothing follows. */
  *push(chunk: Buffer): Generator<Buffer> {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
    for (;;) {
      const length = this.#length();
      if (length === undefined || this.#held < LENGTH_BYTES + length) return;
      yield this.#cut(LENGTH_BYTES + length).subarray(LENGTH_BYTES);
    }
  }

  /** The length that the next frame announces; undefined before it has come. */
  #length(): number | undefined {
    if (this.#held < LENGTH_BYTES) return undefined;
    if (this.#chunks[0]!.length < LENGTH_BYTES) this.#chunks = [Buffer.concat(this.#chunks)];
    const length = this.#chunks[0]!.readInt32BE(0);
    if (length < 0 || length > this.bytesMax) throw new BadFrame(length, this.bytesMax);
    return length;
  }

  /** The first `bytes` bytes, as a view where one chunk holds them. */
  #cut(bytes: number): Buffer {
    this.#held -= bytes;
    const first = this.#chunks[0]!;
    if (first.length > bytes) {
      this.#chunks[0] = first.subarray(bytes);
      return first.subarray(0, bytes);
    }
    if (first.length === bytes) {
      this.#chunks.shift();
      return first;
    }
    const whole = this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks);
    this.#chunks = whole.length === bytes ? [] : [whole.subarray(bytes)];
    return whole.subarray(0, bytes);
  }
}

export class BadFrame extends Error {
  override readonly name = "BadFrame";

  constructor(length: number, bytesMax: number) {
    super(`a frame of ${length} bytes; 0 to ${bytesMax} are taken`);
  }
}

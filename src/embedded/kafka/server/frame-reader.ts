/**
 * Cuts a connection's bytes into frames: a length of four bytes, then so many bytes.
 *
 * Memory is taken for bytes that have come, never for bytes that a length promises: a stranger who
 * announces a gigabyte and sends nothing costs four bytes. Bytes that come in crumbs are gathered, so
 * that a frame sent byte by byte does not become as many buffers.
 */

const LENGTH_BYTES = 4;
/** A request begins with its API's key. */
const KEY_BYTES = 2;
/** Chunks smaller than this are gathered in buffers of so many bytes. */
const CRUMB_BYTES = 1_024;
const CRUMBS_BYTES = 16_384;

/** The longest frame of a request with this key; of a frame too short for a key, with any. */
export type FrameBytesMax = (apiKey: number | undefined) => number;

export class FrameReader {
  /** May be changed when the client has signed in. */
  bytesMax: FrameBytesMax;
  #chunks: Buffer[] = [];
  #held = 0;
  /** The last chunk, if it is one that gathers crumbs, and how much of it is filled. */
  #crumbs: { readonly whole: Buffer; filled: number } | undefined;

  constructor(bytesMax: FrameBytesMax) {
    this.bytesMax = bytesMax;
  }

  /** Bytes of a frame that is not complete. */
  get heldBytes(): number {
    return this.#held;
  }

  /** Takes what came and yields the frames that it completes. Throws `BadFrame`; then nothing follows. */
  *push(chunk: Buffer): Generator<Buffer> {
    this.#add(chunk);
    for (;;) {
      const length = this.#length();
      if (length === undefined || this.#held < LENGTH_BYTES + length) return;
      yield this.#cut(LENGTH_BYTES + length).subarray(LENGTH_BYTES);
    }
  }

  #add(chunk: Buffer): void {
    const crumbs = this.#crumbs;
    const last = this.#chunks.length - 1;
    this.#held += chunk.length;
    if (crumbs !== undefined && crumbs.filled + chunk.length <= crumbs.whole.length) {
      chunk.copy(crumbs.whole, crumbs.filled);
      const from = crumbs.filled - this.#chunks[last]!.length;
      crumbs.filled += chunk.length;
      this.#chunks[last] = crumbs.whole.subarray(from, crumbs.filled);
      return;
    }
    this.#crumbs = undefined;
    if (this.#chunks.length > 0 && chunk.length < CRUMB_BYTES) {
      const whole = Buffer.allocUnsafeSlow(CRUMBS_BYTES);
      chunk.copy(whole);
      this.#crumbs = { whole, filled: chunk.length };
      this.#chunks.push(whole.subarray(0, chunk.length));
      return;
    }
    this.#chunks.push(chunk);
  }

  /** The length that the next frame announces; undefined before it has come. */
  #length(): number | undefined {
    if (this.#held < LENGTH_BYTES) return undefined;
    const wanted = Math.min(this.#held, LENGTH_BYTES + KEY_BYTES);
    if (this.#chunks[0]!.length < wanted) this.#join();
    const first = this.#chunks[0]!;
    const length = first.readInt32BE(0);
    const keyed = length >= KEY_BYTES && wanted === LENGTH_BYTES + KEY_BYTES;
    const bytesMax = this.bytesMax(keyed ? first.readInt16BE(LENGTH_BYTES) : undefined);
    if (length < 0 || length > bytesMax) throw new BadFrame(length, bytesMax);
    return length;
  }

  #join(): Buffer {
    this.#crumbs = undefined;
    const whole = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks);
    this.#chunks = [whole];
    return whole;
  }

  /** The first `bytes` bytes, as a view where one chunk holds them. */
  #cut(bytes: number): Buffer {
    this.#held -= bytes;
    const first = this.#chunks[0]!;
    if (first.length > bytes) {
      this.#chunks[0] = first.subarray(bytes);
      if (this.#chunks.length === 1) this.#crumbs = undefined;
      return first.subarray(0, bytes);
    }
    if (first.length === bytes) {
      this.#chunks.shift();
      if (this.#chunks.length === 0) this.#crumbs = undefined;
      return first;
    }
    const whole = this.#join();
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

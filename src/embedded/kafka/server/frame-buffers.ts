/**
 * The memory of frames that come, and of records in answers, used again and again. A buffer made for
 * each read and each frame costs more than all that is done with its bytes: fresh pages, and a garbage
 * collector that counts them.
 *
 * What is small gets memory of its own and is forgotten. What is larger is lent, in sizes of powers of
 * two: a frame comes back when its request is answered, records when the answer has left. What never
 * comes back is merely collected.
 */

/** A read that begins a frame lands here: large enough for many small requests, or one of most. */
const LANDING_BYTES = 16 * 1024;
const POOLED_BYTES_MIN = 16 * 1024;
const POOLED_BYTES_MAX = 8 * 1024 * 1024;
/** Kept while nobody uses it. */
const KEPT_BYTES_MAX = 32 * 1024 * 1024;

export class FrameBuffers {
  /** Shared by all connections: what lands here is taken out in the same turn of the event loop. */
  readonly landing: Buffer = Buffer.allocUnsafeSlow(LANDING_BYTES);
  readonly #free = new Map<number, ArrayBufferLike[]>();
  readonly #lent = new WeakSet<ArrayBufferLike>();
  #keptBytes = 0;

  /** Exactly so many bytes, with old contents. */
  take(bytes: number): Buffer {
    if (bytes < POOLED_BYTES_MIN || bytes > POOLED_BYTES_MAX) return Buffer.allocUnsafe(bytes);
    const size = 2 ** Math.ceil(Math.log2(bytes));
    const kept = this.#free.get(size)?.pop();
    if (kept !== undefined) this.#keptBytes -= size;
    const memory = kept ?? Buffer.allocUnsafeSlow(size).buffer;
    this.#lent.add(memory);
    return Buffer.from(memory, 0, bytes);
  }

  /** Nobody may hold a view of the buffer any more. */
  give({ buffer }: Buffer): void {
    const size = buffer.byteLength;
    if (!this.#lent.delete(buffer) || this.#keptBytes + size > KEPT_BYTES_MAX) return;
    const free = this.#free.get(size) ?? [];
    free.push(buffer);
    this.#free.set(size, free);
    this.#keptBytes += size;
  }
}

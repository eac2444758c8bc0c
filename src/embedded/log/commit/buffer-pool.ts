/** Buffers of one size that are filled, written and used again, so that appending makes no garbage. */

export const POOLED_BYTES: number = 64 * 1024;
const KEPT_MAX = 256;

export class BufferPool {
  private readonly free: Buffer[] = [];

  /** A buffer of at least `bytes`, with old contents. */
  take(bytes: number): Buffer {
    if (bytes > POOLED_BYTES) return Buffer.allocUnsafeSlow(bytes);
    return this.free.pop() ?? Buffer.allocUnsafeSlow(POOLED_BYTES);
  }

  /** Nobody may hold a view of the buffer any more. */
  give(buffer: Buffer): void {
    if (buffer.length === POOLED_BYTES && this.free.length < KEPT_MAX) this.free.push(buffer);
  }
}

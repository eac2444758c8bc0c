/**
 * Texts as UTF-8, many short ones in one piece of memory.
 *
 * `TextEncoder.encode` allocates an `ArrayBuffer` for each text, which for a payload of a few dozen
 * bytes takes three times as long as encoding it. So short texts share a slab; it lives as long as one
 * of them does, and is therefore small.
 */

const SLAB_BYTES = 8 * 1024;
const SHARED_UNITS_MAX = 512;
/** A unit of UTF-16 takes at most three bytes: a pair, which makes four, is two units. */
const BYTES_A_UNIT_MAX = 3;

const utf8 = new TextEncoder();
let slab = new Uint8Array(SLAB_BYTES);
let used = 0;

/** The bytes are nobody else's, their `buffer` may be. */
export function encodeText(text: string): Uint8Array {
  if (text.length > SHARED_UNITS_MAX) return utf8.encode(text);
  if (used + text.length * BYTES_A_UNIT_MAX > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    used = 0;
  }
  const { written } = utf8.encodeInto(text, slab.subarray(used));
  const bytes = slab.subarray(used, used + written);
  used += written;
  return bytes;
}

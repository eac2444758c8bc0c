/**
 * Messages as a broker in this process keeps them: with bytes of their own, since the caller may
 * use its buffers again, and in the form in which a log would give them back: a key or header whose
 * bytes are valid UTF-8 is text.
 */

import type { Header, RawMessage } from "../../model/message.ts";

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Small values share slabs: an allocation of its own costs a small value more than its bytes do. A
 * slab lives as long as one value in it, so it is kept small, too.
 */
const SLAB_BYTES = 64 * 1024;
const SHARED_BYTES_MAX = 4 * 1024;

let slab = new Uint8Array(SLAB_BYTES);
let used = 0;

export function ownedMessage({ key, headers, value }: RawMessage): RawMessage {
  return {
    key: key === null ? null : textOrCopy(key),
    headers: headers.map(ownedHeader),
    value: value === null ? null : copy(value),
  };
}

function ownedHeader(header: Header): Header {
  return typeof header[1] === "string" ? header : [header[0], textOrCopy(header[1])];
}

function textOrCopy(content: string | Uint8Array): string | Uint8Array {
  if (typeof content === "string") return content;
  try {
    return decoder.decode(content);
  } catch {
    return copy(content);
  }
}

function copy(bytes: Uint8Array): Uint8Array {
  const { length } = bytes;
  if (length > SHARED_BYTES_MAX) return bytes.slice();
  if (used + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    used = 0;
  }
  const owned = slab.subarray(used, used + length);
  owned.set(bytes);
  used += length;
  return owned;
}

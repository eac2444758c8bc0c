/**
 * How much goes into one append to a log. A call may hold more than a log takes at once (a Kafka v2
 * batch is believed up to 8 MiB), so whoever gathers calls cuts what it gathered into stretches.
 *
 * Whoever cuts must stop at the first stretch that the log refuses: what lies behind it in the same
 * call must not be written, or a reader who counts sequences takes the refused ones for done.
 */

import type { RawMessage } from "../../model/message.ts";

const COUNT_MAX = 8_192;
/** A character may take three bytes, and the message that passes the bound another mebibyte. */
const UNITS_MAX = 2 * 1024 * 1024;
const RECORD_OVERHEAD = 40;
const HEADER_OVERHEAD = 6;

/** Where the stretch that begins at `from` ends: at least one message on, at most at `count`. */
export function stretchEnd(
  from: number,
  count: number,
  messageAt: (index: number) => RawMessage,
): number {
  const last = Math.min(count, from + COUNT_MAX);
  let units = 0;
  let to = from;
  while (to < last && units < UNITS_MAX) units += unitsOf(messageAt(to++));
  return to;
}

/** Bytes of contents and characters of text. */
function unitsOf({ key, headers, value }: RawMessage): number {
  let units = RECORD_OVERHEAD + (key?.length ?? 0) + (value?.length ?? 0);
  for (let i = 0; i < headers.length; i++) {
    const [name, content] = headers[i]!;
    units += HEADER_OVERHEAD + name.length + content.length;
  }
  return units;
}

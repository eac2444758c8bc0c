/** Durations and sizes as people write them in declarations and configuration. */

import { MillraceError } from "../model/errors.ts";

const UNIT_MS = {
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
} as const;
const UNIT_BYTES = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 1024,
  MiB: 1_048_576,
  GiB: 1_073_741_824,
  TiB: 1_099_511_627_776,
} as const;

/** `500ms`, `30s`, `15m`, `12h`, `90d`, `2w`; a fraction is allowed, a bare number is not. */
export type Duration = `${number}${keyof typeof UNIT_MS}`;

/** `64MB` is 64 million bytes, `64MiB` is 64 × 2²⁰. */
export type ByteSize = `${number}${keyof typeof UNIT_BYTES}`;

/**
 * The duration in milliseconds, rounded to whole ones. `what` names it in the refusal.
 *
 * Throws BAD_DECLARATION where the text is no duration, is zero, or exceeds 2⁵³ milliseconds.
 */
export function durationMs(text: string, what: string): number {
  return measure(text, what, UNIT_MS, 'a duration such as "500ms", "30s", "15m", "12h" or "90d"');
}

/** The size in bytes, rounded to whole ones. Throws BAD_DECLARATION like `durationMs`. */
export function byteCount(text: string, what: string): number {
  return measure(text, what, UNIT_BYTES, 'a size such as "512kB", "64MB" or "10GiB"');
}

function measure(
  text: unknown,
  what: string,
  units: Readonly<Record<string, number>>,
  expected: string,
): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([A-Za-z]+)$/.exec(String(text)) ?? [];
  const scale = unit !== undefined && Object.hasOwn(units, unit) ? units[unit] : undefined;
  const measured = scale === undefined ? Number.NaN : Math.round(Number(amount) * scale);
  if (!(measured > 0) || !Number.isSafeInteger(measured)) {
    throw new MillraceError(
      "BAD_DECLARATION",
      `${what} is ${JSON.stringify(text)}; write ${expected}`,
    );
  }
  return measured;
}

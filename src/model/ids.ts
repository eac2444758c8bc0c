/** Ids and randomness, passed in wherever they are needed, so that a run can be repeated. */

import type { Clock } from "./clock.ts";

export interface Random {
  /** A number from 0 up to, not including, 1. */
  next(): number;
  /** `length` unpredictable bytes (predictable ones under test). */
  bytes(length: number): Uint8Array;
}

export interface IdSource {
  /** A new UUIDv7 (RFC 9562): ids of one source sort by their time of creation. */
  newId(): string;
}

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const COUNTER_MAX = 0xfff;
const COUNTS = Array.from({ length: COUNTER_MAX + 1 }, (_, count) =>
  count.toString(16).padStart(3, "0"),
);

/**
 * Builds UUIDv7 with RFC 9562's method 1: the twelve bits after the version count within one
 * millisecond, so ids of one source ascend strictly. A clock that goes back, and the 4,097th id of
 * one millisecond, continue from the last time used.
 */
export function createIdSource(clock: Clock, random: Random): IdSource {
  let lastMs = -1;
  let prefix = "";
  let counter = 0;
  let pool: Uint8Array = new Uint8Array(0);
  let used = 0;

  const randomTail = (): string => {
    if (used + 8 > pool.length) {
      pool = random.bytes(4096);
      used = 0;
    }
    const byte = (): string => HEX[pool[used++]!]!;
    const variant = HEX[(pool[used++]! & 0x3f) | 0x80]!;
    return `${variant}${byte()}-${byte()}${byte()}${byte()}${byte()}${byte()}${byte()}`;
  };

  const moveTo = (ms: number): void => {
    lastMs = ms;
    counter = 0;
    const time = ms.toString(16).padStart(12, "0");
    prefix = `${time.slice(0, 8)}-${time.slice(8)}-7`;
  };

  return {
    newId(): string {
      const nowMs = clock.now();
      if (nowMs > lastMs) moveTo(nowMs);
      else if (++counter > COUNTER_MAX) moveTo(lastMs + 1);
      return `${prefix}${COUNTS[counter]}-${randomTail()}`;
    },
  };
}

/**
 * A repeatable source of randomness for tests and simulation (mulberry32). Not for secrets.
 */
export function createSeededRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    bytes: (length) => Uint8Array.from({ length }, () => Math.floor(next() * 256)),
  };
}

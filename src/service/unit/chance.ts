/**
 * Ids and randomness of one message's handling, drawn from who handles it and which message it is.
 *
 * Handling a message again (after a conflict, a crash, in a replay) must decide the same, down to the
 * ids of what it emits: then brokers and readers know a repeat by its id. So nothing here comes from
 * the environment. It is no source of secrets: who knows the message can compute all of it.
 *
 * The seed is a 128-bit mixing hash of the names; the generator is Chris Doty-Humphrey's sfc32, whose
 * state is as wide.
 */

import type { Chance } from "../part.ts";

const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const COUNTER_MAX = 0xfff;
const TIME_MAX = 2 ** 48 - 1;

/** `names` tell the message and its handler from all others; `timeMs` is what its ids begin with. */
export function createChance(names: readonly string[], timeMs: number): Chance {
  const draw = sfc32(hash128(names));
  let ms = Math.min(TIME_MAX, Math.max(0, Math.trunc(timeMs) || 0));
  let counter = -1;
  return {
    random: () => draw() / 2 ** 32,
    newId(): string {
      if (++counter > COUNTER_MAX) {
        ms++;
        counter = 0;
      }
      const time = ms.toString(16).padStart(12, "0");
      const count = counter.toString(16).padStart(3, "0");
      const high = draw();
      const low = draw();
      const byte = (of: number, shift: number): string => HEX[(of >>> shift) & 0xff]!;
      const variant = HEX[((high >>> 24) & 0x3f) | 0x80]!;
      return (
        `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${variant}${byte(high, 16)}-` +
        `${byte(high, 8)}${byte(high, 0)}${byte(low, 24)}${byte(low, 16)}${byte(low, 8)}${byte(low, 0)}`
      );
    },
  };
}

type Words = readonly [number, number, number, number];

/** Names are kept apart by their lengths, so that ("ab", "c") is not ("a", "bc"). */
function hash128(names: readonly string[]): Words {
  let a = 1779033703;
  let b = 3144134277;
  let c = 1013904242;
  let d = 2773480762;
  const mix = (k: number): void => {
    a = b ^ Math.imul(a ^ k, 597399067);
    b = c ^ Math.imul(b ^ k, 2869860233);
    c = d ^ Math.imul(c ^ k, 951274213);
    d = a ^ Math.imul(d ^ k, 2716044179);
  };
  for (const name of names) {
    for (let at = 0; at < name.length; at++) mix(name.charCodeAt(at));
    mix(name.length);
  }
  a = Math.imul(c ^ (a >>> 18), 597399067);
  b = Math.imul(d ^ (b >>> 22), 2869860233);
  c = Math.imul(a ^ (c >>> 17), 951274213);
  d = Math.imul(b ^ (d >>> 19), 2716044179);
  return [a ^ b ^ c ^ d, b ^ a, c ^ a, d ^ a];
}

/** Draws whole numbers from 0 up to, not including, 2³². */
function sfc32([first, second, third, fourth]: Words): () => number {
  let a = first | 0;
  let b = second | 0;
  let c = third | 0;
  let d = fourth | 0;
  const draw = (): number => {
    const sum = (((a + b) | 0) + d) | 0;
    d = (d + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  for (let warmUp = 0; warmUp < 12; warmUp++) draw();
  return draw;
}

/** The system's randomness. */

import { randomBytes, randomFillSync } from "node:crypto";
import type { Random } from "../model/ids.ts";

const POOL_WORDS = 1024;

/** Unpredictable randomness. Numbers come from a pool: one call to the system for 1,024 of them. */
export function createRealRandom(): Random {
  const pool = new Uint32Array(POOL_WORDS);
  let used = POOL_WORDS;
  return {
    next(): number {
      if (used === POOL_WORDS) {
        randomFillSync(pool);
        used = 0;
      }
      return pool[used++]! / 2 ** 32;
    },
    bytes: (length) => randomBytes(length),
  };
}

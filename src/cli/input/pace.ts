/** `--rate 100/s`: how fast messages are published. */

import { delay, type Clock } from "../../model/clock.ts";
import { MillraceError } from "../../model/errors.ts";

const UNIT_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000 };

/** Messages per second from `100/s`, `30/m`, `5/h` or a bare number of seconds. Throws BAD_ARGUMENT. */
export function parseRate(text: string): number {
  const [, number = "", unit = "s"] = /^(\d+(?:\.\d+)?)(?:\/([smh]))?$/.exec(text) ?? [];
  const rate = (Number(number) * 1_000) / (UNIT_MS[unit] ?? 1_000);
  if (number === "" || rate <= 0) {
    throw new MillraceError("BAD_ARGUMENT", `--rate ${text} is no rate; write 100/s, 30/m or 5/h`);
  }
  return rate;
}

/** How many messages may go at once so that a second holds at least ten steps. */
export function paceStep(rate: number): number {
  return Math.max(1, Math.floor(rate / 10));
}

/**
 * Returns a function to be awaited before each further `count` messages. The pace is kept over the
 * whole run: what a slow disk delayed is caught up, and a pause in the input is not.
 */
export function createPace(
  clock: Clock,
  rate: number,
  signal: AbortSignal,
): (count: number) => Promise<void> {
  let due = clock.monotonic();
  const catchUpMs = 1_000;
  return async (count) => {
    due = Math.max(due, clock.monotonic() - catchUpMs);
    const waitMs = due - clock.monotonic();
    if (waitMs > 0) await delay(clock, waitMs, signal);
    due += (count / rate) * 1_000;
  };
}

/**
 * Warnings that strangers can cause: at most so many in a span of time, then how many more there were.
 * Without it, whoever can connect can fill the disk that holds the log.
 */

import type { Clock } from "../../model/clock.ts";
import type { Log } from "../../model/environment.ts";

const LINES_MAX = 20;
const SPAN_MS = 10_000;

export type Warn = (facts: Readonly<Record<string, unknown>>, text: string) => void;

export function limitedWarn(clock: Clock, log: Log): Warn {
  let lines = 0;
  let leftOut = 0;
  const nextSpan = (): void => {
    if (leftOut > 0) log.warn({ leftOut, spanMs: SPAN_MS }, "warnings about clients were left out");
    lines = 0;
    leftOut = 0;
  };
  return (facts, text) => {
    if (lines === LINES_MAX) {
      leftOut++;
      return;
    }
    // One timer while there is anything to say, none while it is quiet.
    if (lines++ === 0) clock.after(SPAN_MS, nextSpan);
    log.warn(facts, text);
  };
}

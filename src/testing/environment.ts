/** An environment for tests: virtual time, repeatable randomness, a log that is collected. */

import type { Environment } from "../model/environment.ts";
import { createIdSource, createSeededRandom } from "../model/ids.ts";
import { createVirtualClock, type VirtualClock } from "./virtual-clock.ts";

export interface LogEntry {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly facts: Readonly<Record<string, unknown>>;
  readonly text: string;
}

export interface TestEnvironment extends Environment {
  readonly clock: VirtualClock;
  /** Everything that was logged, oldest first. */
  readonly entries: readonly LogEntry[];
}

/**
 * Every call without options gives the same: time begins at one moment and the seed is 1, so ids and
 * randomness come in the same order in every test and every run. Two environments that meet in one
 * broker or store need different seeds, or they draw the same ids.
 */
export function createTestEnvironment(
  options: { readonly startMs?: number; readonly seed?: number } = {},
): TestEnvironment {
  const clock = createVirtualClock(
    options.startMs === undefined ? {} : { startMs: options.startMs },
  );
  const random = createSeededRandom(options.seed ?? 1);
  const entries: LogEntry[] = [];
  const logger =
    (level: LogEntry["level"]) =>
    (facts: Readonly<Record<string, unknown>>, text: string): void => {
      entries.push({ level, facts, text });
    };
  return {
    clock,
    random,
    ids: createIdSource(clock, random),
    entries,
    log: {
      debug: logger("debug"),
      info: logger("info"),
      warn: logger("warn"),
      error: logger("error"),
    },
  };
}

/**
 * What the log is told of failing messages: enough to see it at once, and not a line for each.
 *
 * The first try that fails is a warning; of those in the minute after it only their number is told,
 * with the next failure past it. A message that is given up is a warning of its own, up to a bound a
 * minute: the rest is counted too, and each stands among what is parked. All of them are on debug.
 */

import type { Environment } from "../model/environment.ts";
import { textOf } from "./failure.ts";
import type { Arrival } from "./input/arrival.ts";

const WINDOW_MS = 60_000;
const FAILED_MAX = 1;
const GIVEN_UP_MAX = 100;

interface Window {
  readonly max: number;
  sinceMs: number;
  told: number;
  untold: number;
}

export class FailureLog {
  readonly #environment: Environment;
  readonly #where: Readonly<Record<string, string>>;
  readonly #failed = windowOf(FAILED_MAX);
  readonly #gaveUp = windowOf(GIVEN_UP_MAX);

  constructor(environment: Environment, where: Readonly<Record<string, string>>) {
    this.#environment = environment;
    this.#where = where;
  }

  /** It is tried again. */
  failed(arrival: Arrival, error: unknown): void {
    this.#tell(this.#failed, "a message could not be handled, and is tried again", arrival, error);
  }

  /** It is not tried again: parked, a dead letter, or what the part's policy says. */
  gaveUp(arrival: Arrival, error: unknown): void {
    this.#tell(this.#gaveUp, "a message could not be handled, and is given up", arrival, error);
  }

  #tell(window: Window, text: string, arrival: Arrival, error: unknown): void {
    const { clock, log } = this.#environment;
    const nowMs = clock.monotonic();
    const facts = {
      ...this.#where,
      key: arrival.key,
      id: arrival.incoming.id,
      attempts: Math.max(arrival.attempts, arrival.lease?.attempt ?? 0),
      error: textOf(error),
    };
    if (nowMs - window.sinceMs >= WINDOW_MS) {
      const { untold } = window;
      Object.assign(window, { sinceMs: nowMs, told: 0, untold: 0 });
      if (untold > 0) {
        log.warn({ ...this.#where, count: untold }, `${text}: so many more since the last line`);
      }
    }
    if (window.told >= window.max) {
      window.untold++;
      log.debug(facts, text);
      return;
    }
    window.told++;
    log.warn(facts, text);
  }
}

function windowOf(max: number): Window {
  return { max, sinceMs: Number.NEGATIVE_INFINITY, told: 0, untold: 0 };
}

/**
 * Messages that some receiver said it cannot take (`modified`, undeliverable-here), and which links those
 * were. Such a link is not given the message again; the message waits for others, a little longer each time
 * that one of these links comes upon it. When nobody else took it in time it becomes a dead letter.
 *
 * Kept in memory: after a restart every link is a new one.
 */

import type { Clock } from "../../../model/clock.ts";

const FIRST_DELAY_MS = 50;
const DELAY_MS_MAX = 2_000;
/** Messages remembered; the oldest is forgotten first, and may then be tried once more. */
const COUNT_MAX = 10_000;

interface Refused {
  readonly links: Set<object>;
  readonly sinceMs: number;
  times: number;
}

export class Undeliverable {
  readonly #clock: Clock;
  readonly #keepMs: number;
  readonly #refused = new Map<string, Refused>();

  constructor(clock: Clock, keepMs: number) {
    this.#clock = clock;
    this.#keepMs = keepMs;
  }

  refuse(message: string, link: object): void {
    const known = this.#refused.get(message);
    if (known !== undefined) {
      known.links.add(link);
      return;
    }
    const sinceMs = this.#clock.monotonic();
    this.#refused.set(message, { links: new Set([link]), sinceMs, times: 0 });
    if (this.#refused.size > COUNT_MAX) this.#refused.delete(this.#refused.keys().next().value!);
  }

  /**
   * What to do with a message that has come to `link`: undefined to deliver it, a delay to give it back
   * for, or "dead" where its time is over.
   */
  verdict(message: string, link: object): number | "dead" | undefined {
    const known = this.#refused.get(message);
    if (known === undefined || !known.links.has(link)) return undefined;
    if (this.#clock.monotonic() - known.sinceMs >= this.#keepMs) {
      this.#refused.delete(message);
      return "dead";
    }
    return Math.min(FIRST_DELAY_MS * 2 ** known.times++, DELAY_MS_MAX);
  }

  forget(message: string): void {
    this.#refused.delete(message);
  }
}

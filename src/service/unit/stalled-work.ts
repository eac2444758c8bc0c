/**
 * Sees work that does not come back: a handler that waits for ever holds its key, and looks like a
 * quiet one.
 *
 * One timer watches over all that is out, set only while something is that was not told of yet. Work
 * that ends leaves the timer be, so a busy input sets one in half a minute, not one a message, and one
 * at rest has none after it.
 */

import type { Environment } from "../../model/environment.ts";
import type { Timer } from "../../model/clock.ts";
import type { Unit } from "../input/key-lanes.ts";

const STALLED_MS = 30_000;

export interface StalledWorkOptions {
  readonly environment: Environment;
  /** Stands in the log beside what is stalled. */
  readonly where: Readonly<Record<string, string>>;
}

export class StalledWork {
  readonly #options: StalledWorkOptions;
  /** When the work on a unit began, the oldest first. */
  readonly #beganMs = new Map<Unit, number>();
  /** Of those, what was told of. */
  readonly #told = new Set<Unit>();
  #timer: Timer | undefined;
  #ended = false;

  constructor(options: StalledWorkOptions) {
    this.#options = options;
  }

  /** What is out longest, where it is out too long. */
  get reason(): string | undefined {
    const [oldest] = this.#beganMs;
    if (oldest === undefined) return undefined;
    const [unit, beganMs] = oldest;
    const ageMs = this.#options.environment.clock.monotonic() - beganMs;
    if (ageMs < STALLED_MS) return undefined;
    const { key, arrivals } = unit;
    const [head] = arrivals;
    const more = arrivals.length - 1;
    const others = more === 0 ? "" : ` or one of ${more} after it`;
    return `message ${head?.incoming.id} of key ${key}${others} is with its handler for ${Math.floor(ageMs / 1000)} s`;
  }

  began(unit: Unit, atMs: number): void {
    this.#beganMs.set(unit, atMs);
    this.#watch();
  }

  ended(unit: Unit): void {
    this.#beganMs.delete(unit);
    this.#told.delete(unit);
  }

  /** The input is over, and so is the watch. */
  stop(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  #watch(): void {
    if (this.#timer !== undefined || this.#ended) return;
    const { clock } = this.#options.environment;
    const next = this.#beganMs.entries().find(([unit]) => !this.#told.has(unit));
    if (next === undefined) return;
    const waitMs = Math.max(0, next[1] + STALLED_MS - clock.monotonic());
    this.#timer = clock.after(waitMs, () => {
      this.#timer = undefined;
      this.#look();
      this.#watch();
    });
  }

  #look(): void {
    const { environment, where } = this.#options;
    const untilMs = environment.clock.monotonic() - STALLED_MS;
    for (const [unit, beganMs] of this.#beganMs) {
      if (beganMs > untilMs) return;
      if (this.#told.has(unit)) continue;
      this.#told.add(unit);
      const { key, arrivals } = unit;
      const [head] = arrivals;
      environment.log.warn(
        { ...where, key, id: head?.incoming.id, messages: arrivals.length },
        `a handler has not come back for ${STALLED_MS / 1000} s: its key waits for it; give what it calls a deadline, by its signal`,
      );
    }
  }
}

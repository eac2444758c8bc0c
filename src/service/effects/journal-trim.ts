/** Forgets recorded answers once they are older than the retention: one timer of a service. */

import type { Timer } from "../../model/clock.ts";
import type { Environment } from "../../model/environment.ts";
import type { Store } from "../../store/store.ts";
import { textOf } from "../failure.ts";

/** Long enough to replay what went wrong last month. */
export const EFFECT_RETENTION_MS: number = 30 * 24 * 60 * 60 * 1000;
const EVERY_MS_MAX = 6 * 60 * 60 * 1000;
const FIRST_MS_MAX = 60 * 1000;
const TRIM_LIMIT = 1000;

export class JournalTrim {
  readonly #store: Pick<Store, "trimEffects">;
  readonly #environment: Environment;
  readonly #retentionMs: number;
  #timer: Timer | undefined;
  #trimming: Promise<void> | undefined;
  #stopped = false;

  constructor(options: {
    readonly store: Pick<Store, "trimEffects">;
    readonly environment: Environment;
    readonly retentionMs: number;
  }) {
    this.#store = options.store;
    this.#environment = options.environment;
    this.#retentionMs = options.retentionMs;
  }

  /** Looks a minute after a start, then every six hours, or more often where less is kept. */
  start(): void {
    this.#after(Math.min(FIRST_MS_MAX, this.#everyMs));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#trimming;
  }

  get #everyMs(): number {
    return Math.min(EVERY_MS_MAX, Math.max(1000, this.#retentionMs / 10));
  }

  #after(delayMs: number): void {
    if (this.#stopped) return;
    this.#timer = this.#environment.clock.after(delayMs, () => {
      this.#trimming = this.#trim().finally(() => this.#after(this.#everyMs));
    });
  }

  async #trim(): Promise<void> {
    const { clock, log } = this.#environment;
    try {
      const beforeMs = clock.now() - this.#retentionMs;
      let count = 0;
      // One bounded call after the other: commits go between.
      for (let some = TRIM_LIMIT; some === TRIM_LIMIT && !this.#stopped; count += some) {
        some = await this.#store.trimEffects(beforeMs, TRIM_LIMIT);
      }
      if (count > 0) log.info({ count }, "recorded answers of effects were forgotten by age");
    } catch (error) {
      // Nothing is lost by keeping them; the next time will do.
      log.warn({ error: textOf(error) }, "the effect journal was not trimmed");
    }
  }
}

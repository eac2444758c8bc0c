/**
 * What a namespace may hold, checked before it takes more.
 *
 * Asking the broker at every call would cost more than the call. So what was found last is kept, and
 * everything taken since is added to it: an upper bound, as long as nobody else fills the namespace.
 * It is found anew when it is old, and when it is reached, though not at every call then either. Other
 * clients of the same namespace can pass the quota by what they take within that time.
 */

import type { Clock } from "../../model/clock.ts";
import { MillraceError } from "../../model/errors.ts";

export interface NamespaceQuota {
  /** Messages in all its queues together: waiting, delayed and leased. */
  readonly queuedMessages?: number;
  /** Bytes of all its streams together, as the broker counts them. */
  readonly streamBytes?: number;
}

/** How old what was found may be. */
const FRESH_MS = 1_000;
/** At the quota it is found anew no sooner. */
const FULL_MS = 50;

export class QuotaMeter {
  readonly #what: string;
  readonly #limit: number;
  readonly #clock: Clock;
  readonly #measure: () => Promise<number>;
  #used = 0;
  #measuredMs = -Infinity;
  #measuring: Promise<void> | undefined;

  /** `what` completes "the namespace holds 7 …". */
  constructor(options: {
    readonly what: string;
    readonly limit: number;
    readonly clock: Clock;
    readonly measure: () => Promise<number>;
  }) {
    this.#what = options.what;
    this.#limit = options.limit;
    this.#clock = options.clock;
    this.#measure = options.measure;
  }

  /** Counts `amount` as taken, or returns why it must not be. Throws what measuring throws. */
  async take(amount: number): Promise<MillraceError | undefined> {
    if (this.#ageMs > FRESH_MS) await this.#find();
    if (this.#used + amount > this.#limit && this.#ageMs > FULL_MS) await this.#find();
    if (this.#used + amount <= this.#limit) {
      this.#used += amount;
      return undefined;
    }
    return new MillraceError(
      "QUOTA_EXCEEDED",
      `the namespace holds ${this.#used} ${this.#what} and may hold ${this.#limit}; ${amount} more were refused: consume or delete some, or raise the quota`,
      { details: { used: this.#used, limit: this.#limit, asked: amount } },
    );
  }

  get #ageMs(): number {
    return this.#clock.monotonic() - this.#measuredMs;
  }

  /** What is taken while it is being found is counted on top. */
  #find(): Promise<void> {
    this.#measuring ??= this.#findOnce().finally(() => {
      this.#measuring = undefined;
    });
    return this.#measuring;
  }

  async #findOnce(): Promise<void> {
    const before = this.#used;
    const found = await this.#measure();
    this.#used = found + (this.#used - before);
    this.#measuredMs = this.#clock.monotonic();
  }
}

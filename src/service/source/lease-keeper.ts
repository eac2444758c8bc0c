/**
 * Holds the leases of a queue's messages while they are worked on: prolongs each that is half over,
 * and accepts in groups, one call at a time, what was committed.
 */

import type { Lease, Queues } from "../../broker/queues.ts";
import type { Timer } from "../../model/clock.ts";
import type { Environment } from "../../model/environment.ts";
import { isMillraceError } from "../../model/errors.ts";

export interface LeaseKeeperOptions {
  readonly queues: Queues;
  readonly leaseMs: number;
  readonly environment: Environment;
  /** Leases were accepted: the queue holds fewer. */
  readonly changed: () => void;
  /** This lease ended although it was needed. */
  readonly lost: (lease: Lease) => void;
}

export class LeaseKeeper {
  readonly #queues: Queues;
  readonly #leaseMs: number;
  readonly #environment: Environment;
  readonly #changed: () => void;
  readonly #lost: (lease: Lease) => void;
  /** The newest form of each lease, by the one that was received. */
  readonly #held = new Map<Lease, Lease>();
  #timer: Timer | undefined;
  #stopped = false;
  #accepting: Promise<void> | undefined;
  #toAccept: Lease[] = [];

  constructor({ queues, leaseMs, environment, changed, lost }: LeaseKeeperOptions) {
    this.#queues = queues;
    this.#leaseMs = leaseMs;
    this.#environment = environment;
    this.#changed = changed;
    this.#lost = lost;
  }

  hold(leases: readonly Lease[]): void {
    for (const lease of leases) this.#held.set(lease, lease);
    this.#watch();
  }

  /** Prolongs nothing any more. */
  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  /** Lets go of leases, for the caller to settle; returns their newest forms. */
  drop(leases: readonly Lease[]): readonly Lease[] {
    return leases.map((lease) => {
      const newest = this.#held.get(lease) ?? lease;
      this.#held.delete(lease);
      return newest;
    });
  }

  accept(leases: readonly Lease[]): void {
    this.#toAccept.push(...this.drop(leases));
    this.#accepting ??= this.#acceptAll();
  }

  /** Resolves when everything to be accepted was. */
  async settle(): Promise<void> {
    await this.#accepting;
  }

  async #acceptAll(): Promise<void> {
    // What comes in the same moment goes along.
    await Promise.resolve();
    while (this.#toAccept.length > 0) {
      const leases = this.#toAccept.splice(0, 1024);
      try {
        for (const outcome of await this.#queues.accept(leases)) {
          if (!outcome.ok) this.#log(outcome.error);
        }
      } catch (error) {
        this.#log(error);
      }
    }
    this.#accepting = undefined;
    this.#changed();
  }

  /** The message is committed; should it come again, it counts as a repeat. */
  #log(error: unknown): void {
    this.#environment.log.debug({ error: String(error) }, "a lease could not be accepted");
  }

  /** While some are held: a queue at rest has no timer. */
  #watch(): void {
    if (this.#timer !== undefined || this.#held.size === 0 || this.#stopped) return;
    this.#timer = this.#environment.clock.after(this.#leaseMs / 4, () => {
      this.#timer = undefined;
      this.#prolong();
      this.#watch();
    });
  }

  #prolong(): void {
    const soonMs = this.#environment.clock.now() + this.#leaseMs / 2;
    for (const [received, newest] of this.#held) {
      if (newest.endsMs >= soonMs) continue;
      this.#queues.extend(newest, this.#leaseMs).then(
        (extended) => {
          if (this.#held.has(received)) this.#held.set(received, extended);
        },
        (error: unknown) => {
          if (isMillraceError(error, "LEASE_LOST")) {
            if (this.#held.delete(received)) this.#lost(received);
            return;
          }
          // Tried again while the lease lasts; afterwards it is lost, and that is told.
          const facts = { queue: received.queue, error: String(error) };
          this.#environment.log.warn(facts, "a lease could not be prolonged");
        },
      );
    }
  }
}

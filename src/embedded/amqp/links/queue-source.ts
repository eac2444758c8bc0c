/**
 * A queue as the source of a link: deliveries are leases.
 *
 * AMQP knows no time after which a delivery that nobody settles goes to another: it is the receiver's while
 * its link lives. So leases are prolonged as long as the link is there, and end with it: quietly where it
 * was detached, with the attempt counted where its connection was lost, since the message may be why.
 */

import type { LocalQueue } from "../../../broker/in-process/queue/local-queue.ts";
import type { LocalReceiver } from "../../../broker/in-process/queue/local-receiver.ts";
import type { Fate } from "../../../broker/in-process/queue/settlement.ts";
import type { DeadLetterCause, Lease } from "../../../broker/queues.ts";
import type { Timer } from "../../../model/clock.ts";
import { refusalOf } from "../protocol/conditions.ts";
import { expiryOf, writeMessage } from "../message/outgoing-message.ts";
import type { DoorContext } from "../door-context.ts";
import type { Done, Item, LinkSource, ReceiverOutcome, Sink } from "./link-source.ts";

const LEASE_MS = 30_000;
const TIMER_MS_MAX = 3_600_000;

export class QueueSource implements LinkSource {
  readonly #queue: LocalQueue;
  readonly #context: DoorContext;
  readonly #sink: Sink;
  readonly #receiver: LocalReceiver;
  readonly #held = new Set<Lease>();
  #timer: Timer | undefined;
  #closed = false;

  constructor(queue: LocalQueue, context: DoorContext, sink: Sink) {
    this.#queue = queue;
    this.#context = context;
    this.#sink = sink;
    this.#receiver = queue.receive({ credit: context.limits.unsettledMax });
    this.#receiver.askAtMost(0);
    void this.#run();
  }

  want(count: number): void {
    this.#receiver.askAtMost(count);
  }

  get exhausted(): boolean {
    return !this.#receiver.expecting;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    void this.#receiver.close();
  }

  async #run(): Promise<void> {
    try {
      for await (const leases of this.#receiver) this.#hand(leases);
      // The queue was deleted, or the broker closes.
      if (!this.#closed) this.#sink.fail(refusalOf(undefined));
    } catch (error) {
      this.#sink.fail(refusalOf(error));
    }
  }

  #hand(leases: readonly Lease[]): void {
    this.#receiver.askAtMost(0);
    const { engine, behaviour, undeliverable } = this.#context;
    const nowMs = engine.environment.clock.now();
    const items: Item[] = [];
    for (const lease of leases) {
      const verdict = undeliverable.verdict(nameOf(lease), this);
      if ((expiryOf(lease.message) ?? Infinity) <= nowMs) {
        this.#settleAlone(lease, behaviour.expired === "drop" ? { kind: "accept" } : EXPIRED);
      } else if (verdict === "dead") {
        this.#settleAlone(lease, UNDELIVERABLE);
      } else if (verdict !== undefined) {
        this.#settleAlone(lease, {
          kind: "release",
          delayMs: verdict,
          countAttempt: false,
          cause: undefined,
        });
      } else {
        this.#held.add(lease);
        items.push(this.#itemOf(lease));
      }
    }
    this.#keepHeld();
    this.#sink.put(items);
  }

  #itemOf(lease: Lease): Item {
    const { clock } = this.#context.engine.environment;
    return {
      write: () => writeMessage(lease.message, { attempt: lease.attempt, nowMs: clock.now() }),
      settle: (outcome, done) => {
        if (outcome.kind === "modified" && outcome.undeliverableHere) {
          this.#context.undeliverable.refuse(nameOf(lease), this);
        } else if (outcome.kind === "accepted" || outcome.kind === "rejected") {
          this.#context.undeliverable.forget(nameOf(lease));
        }
        this.#settle(lease, fateOf(outcome), done);
      },
      giveBack: (how) => {
        const countAttempt = how === "lost";
        this.#settleAlone(lease, { kind: "release", delayMs: 0, countAttempt, cause: LOST });
      },
    };
  }

  #settle(lease: Lease, fate: Fate, done: Done): void {
    this.#held.delete(lease);
    const call = {
      succeed: () => done(undefined),
      fail: (_index: number, error: unknown) => done(error),
    };
    this.#queue.settle({ lease, fate, call, index: 0 });
  }

  /** Nobody waits for the answer. A lease that ended meanwhile is as good as given back. */
  #settleAlone(lease: Lease, fate: Fate): void {
    this.#settle(lease, fate, (error) => {
      if (error === undefined) return;
      const { log } = this.#context.engine.environment;
      log.debug({ queue: lease.queue, error }, "a lease was lost before its settlement");
    });
  }

  /** Prolongs what is held, now and then, for as long as there is anything. */
  #keepHeld(): void {
    if (this.#timer !== undefined || this.#closed || this.#held.size === 0) return;
    const { clock } = this.#context.engine.environment;
    const leaseMs = this.#queue.spec.leaseMs ?? LEASE_MS;
    this.#timer = clock.after(Math.min(leaseMs / 3, TIMER_MS_MAX), () => {
      this.#timer = undefined;
      for (const lease of this.#held) {
        try {
          this.#queue.extend(lease, leaseMs);
        } catch {
          // Lost; whoever settles it is told so.
          this.#held.delete(lease);
        }
      }
      this.#keepHeld();
    });
  }
}

const EXPIRED: Fate = {
  kind: "reject",
  cause: { code: "Expired", message: "its time to live ended before it could be delivered" },
};
const UNDELIVERABLE: Fate = {
  kind: "reject",
  cause: { code: "Undeliverable", message: "no receiver took it that had not refused it before" },
};
const LOST: DeadLetterCause = {
  code: "ConnectionLost",
  message: "the connection of its receiver was lost at its last attempt",
};

function fateOf(outcome: ReceiverOutcome): Fate {
  switch (outcome.kind) {
    case "accepted":
      return { kind: "accept" };
    case "rejected": {
      const { condition, description } = outcome;
      return { kind: "reject", cause: { code: condition, message: description } };
    }
    case "released":
      return { kind: "release", delayMs: 0, countAttempt: false, cause: undefined };
    case "modified":
      return { kind: "release", delayMs: 0, countAttempt: outcome.failed, cause: undefined };
  }
}

function nameOf({ queue, sequence }: Lease): string {
  return `${queue}#${sequence}`;
}

/**
 * Decides what follows from a failure (law 3): the kind of the failure and the part's policy say
 * whether its key rests and tries again, parks, blocks the input, or goes on without the message.
 */

import type { Environment } from "../../model/environment.ts";
import type { BatchInput, ParkCause } from "../../store/write-set.ts";
import { backoffMs, kindOfFailure, parkCause, retryAfterMsOf, textOf } from "../failure.ts";
import type { Part } from "../part.ts";
import { failedCommand } from "../ask/failed-command.ts";
import { askersOf, isDirect, type Arrival } from "./arrival.ts";
import type { Ready } from "./batch.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import type { PartCounters } from "./counters.ts";
import { FailureLog } from "../failure-log.ts";
import type { InFlight } from "./in-flight.ts";
import type { Settlement } from "./engine-options.ts";
import type { KeyLanes, Unit } from "./key-lanes.ts";
import type { PauseGate } from "./pause-gate.ts";

export interface FailureDeskOptions {
  readonly part: Part;
  readonly environment: Environment;
  readonly counters: PartCounters;
  readonly input: Pick<BatchInput, "input">;
  readonly settlement: Settlement;
  readonly keys: KeyLanes;
  readonly gate: PauseGate;
  readonly flight: InFlight;
  /** Aborts when work that is out is called off. */
  readonly signal: AbortSignal;
  /** Hands an outcome over to be committed. */
  readonly push: (ready: Ready) => void;
  /** A key has rested. */
  readonly woken: () => void;
}

interface Failure {
  readonly unit: Unit;
  /** What of it was not handled, from the message that failed on. */
  readonly left: readonly Arrival[];
  readonly error: unknown;
}

export class FailureDesk {
  readonly #options: FailureDeskOptions;
  readonly #log: FailureLog;
  readonly #breaker: CircuitBreaker | undefined;

  constructor(options: FailureDeskOptions) {
    this.#options = options;
    const { part, input, environment } = options;
    this.#log = new FailureLog(environment, { part: part.name, input: input.input });
    const { breaker } = part.policy;
    if (breaker !== undefined) this.#breaker = new CircuitBreaker(breaker);
  }

  /** A message was handled: the handler and what it needs are at work. */
  handled(): void {
    this.#breaker?.handled();
  }

  /** The unit's arrivals from `handled` on were not handled, because the first of them failed. */
  failed(unit: Unit, handled: number, error: unknown, known?: "bad-message"): void {
    const { part, keys, gate, flight, counters, signal, settlement } = this.#options;
    const culprit = unit.arrivals[handled]!;
    const left = unit.arrivals.slice(handled).filter((each) => !flight.isGone(each));
    const [head] = left;
    const kind = known ?? kindOfFailure(error, signal);
    if (head !== culprit || kind === "cancelled") {
      keys.done(unit, left);
      // It may have been a probe whose lease was lost: the next message will tell.
      gate.passed(unit.key);
      return;
    }
    if (kind === "dependency-down") {
      keys.done(unit, left);
      const noted = gate.pause("dependency", {
        reason: textOf(error),
        key: unit.key,
        waitMsMin: retryAfterMsOf(error),
      });
      // Rows may still be worked off while parking is full, so this key must not come again at once.
      if (!noted && gate.allowsRows) this.#rest(unit.key, 1);
      return;
    }
    counters.failed++;
    if (kind === "bug") {
      if (this.#isOutage({ unit, left, error })) return;
      head.attempts++;
      // The queue counts its attempts itself, and a policy that blocks must not let the next one pass.
      const elsewhere =
        settlement.source !== undefined && part.policy.onFailure !== "block" && !isDirect(head);
      if (elsewhere || head.attempts < part.policy.attempts) {
        this.#log.failed(head, error);
        this.#tryAgain(unit, left, error, elsewhere);
        return;
      }
    } else if (known === undefined) head.attempts++;
    this.#log.gaveUp(head, error);
    this.#giveUp(unit, left, parkCause(error, kind, head.attempts));
  }

  #tryAgain(unit: Unit, left: readonly Arrival[], error: unknown, elsewhere: boolean): void {
    const { part, environment, keys, gate, flight, settlement } = this.#options;
    const head = left[0]!;
    const failures = head.lease === undefined ? head.attempts : head.lease.attempt;
    gate.passed(unit.key);
    if (elsewhere) {
      const waitMs = backoffMs(failures, part.policy, environment.random);
      keys.done(unit, left.slice(1));
      flight.forget(head);
      const cause = parkCause(error, "bug", failures);
      this.#tellAskers(head, cause);
      settlement.source?.retry(head, waitMs, cause);
      return;
    }
    keys.done(unit, left);
    if (part.policy.retry === "decoupled" && !isDirect(head)) {
      const waitMs = backoffMs(failures, part.policy, environment.random);
      const retryAtMs = Math.ceil(environment.clock.now() + waitMs);
      keys.condemn(unit.key, { ...parkCause(error, "bug", failures), retryAtMs });
      return;
    }
    this.#rest(unit.key, failures);
  }

  /** Whether the failure counts for the circuit, and not as a try at the message. */
  #isOutage({ unit, left, error }: Failure): boolean {
    const { part, environment, keys, gate } = this.#options;
    const { breaker } = part.policy;
    if (breaker === undefined || this.#breaker === undefined) return false;
    const failing = this.#breaker.failed(unit.key, environment.clock.now());
    if (failing === undefined && !gate.circuitOpen) return false;
    const count = failing ?? 1;
    const reason = `circuit open: ${count} ${count === 1 ? "key" : "keys"} failed and none went through; the last by: ${textOf(error)}`;
    if (!gate.openCircuit(unit.key, reason, breaker.restMs)) return false;
    keys.done(unit, left);
    return true;
  }

  #rest(key: string, failures: number): void {
    const { part, environment, keys, woken } = this.#options;
    keys.rest(key);
    environment.clock.after(backoffMs(failures, part.policy, environment.random), () => {
      keys.wake(key);
      woken();
    });
  }

  #giveUp(unit: Unit, left: readonly Arrival[], cause: ParkCause): void {
    const { part, keys, gate, flight, settlement, push } = this.#options;
    const { onFailure } = part.policy;
    const head = left[0]!;
    if (isDirect(head)) {
      // Whoever asked is told; nothing of the command is kept, so nothing waits behind it.
      gate.passed(unit.key);
      keys.done(unit, left.slice(1));
      flight.forget(head);
      this.#tellAskers(head, cause);
      return;
    }
    if (onFailure === "block") {
      keys.done(unit, left);
      const reason = `message ${head.incoming.id} of key ${unit.key} blocks: ${cause.message}`;
      gate.pause("blocked", { reason, key: unit.key });
      return;
    }
    gate.passed(unit.key);
    if (settlement.source !== undefined) {
      keys.done(unit, left.slice(1));
      flight.forget(head);
      this.#tellAskers(head, cause);
      settlement.source.reject(head, cause);
      return;
    }
    keys.done(unit, left);
    if (onFailure === "park" || head.row !== undefined) {
      keys.condemn(unit.key, cause);
      return;
    }
    const alone = keys.takeHead(unit.key);
    if (alone !== undefined) push({ unit: alone, arrivals: alone.arrivals, alone: cause });
  }

  #tellAskers(arrival: Arrival, cause: ParkCause): void {
    for (const asker of askersOf(arrival)) asker.failed(failedCommand(arrival, cause));
  }
}

/**
 * Why an input stands still, and what sets it going again.
 *
 * - `dependency`: a handler said that what it needs is down. After a growing pause the message that
 *   met it is tried alone; when it passes, or fails in another way, everything goes on.
 * - `blocked`: a message failed for good under the policy `block`; tried again in the same way.
 * - `store`: the store does not take commits; the commit itself is what is tried again.
 * - `circuit`: one key after another failed by a bug. After a rest the gate is half open: one message,
 *   whichever comes first, is let through; when it passes, everything goes on, else the gate rests again.
 * - `parking`: as many rows are parked as may be. Only rows are worked off until there is room.
 *
 * One reason at a time; the first stays until it ends, what else fails meanwhile fails again later.
 */

import { assert } from "../../model/assert.ts";
import type { Timer } from "../../model/clock.ts";
import type { Environment } from "../../model/environment.ts";
import { backoffMs } from "../failure.ts";
import type { BatchInput } from "../../store/write-set.ts";
import type { FailurePolicy, Part } from "../part.ts";

export type PauseKind = "dependency" | "blocked" | "store" | "circuit" | "parking";

interface Pause {
  kind: PauseKind;
  /** Whose head is the probe. */
  key: string | undefined;
  reason: string;
  failures: number;
  /** Waits for the next probe; undefined while one is out. */
  timer: Timer | undefined;
}

export interface PauseEvents {
  /** Try the head of this key now. */
  readonly probe: (key: string) => void;
  /** One message may be let through: see `probing`. */
  readonly halfOpened: () => void;
  readonly resumed: () => void;
}

export interface PauseOptions {
  readonly part: Pick<Part, "name" | "policy">;
  readonly input: Pick<BatchInput, "input">;
  readonly environment: Environment;
}

export class PauseGate {
  readonly #where: Readonly<Record<string, string>>;
  readonly #policy: FailurePolicy;
  readonly #environment: Environment;
  readonly #events: PauseEvents;
  #pause: Pause | undefined;
  #ended = false;

  constructor({ part, input, environment }: PauseOptions, events: PauseEvents) {
    this.#policy = part.policy;
    this.#where = { part: part.name, input: input.input };
    this.#environment = environment;
    this.#events = events;
  }

  get reason(): string | undefined {
    return this.#pause?.reason;
  }

  get allowsRows(): boolean {
    return this.#pause?.kind === "parking";
  }

  /**
   * Pauses, or prolongs the pause whose probe has failed. `key` is whose head will be tried, not before
   * `waitMsMin`. Returns false where the input stands still for another reason already.
   */
  pause(
    kind: PauseKind,
    options: { readonly reason: string; readonly key?: string; readonly waitMsMin?: number },
  ): boolean {
    if (this.#ended) return true;
    const { reason, key, waitMsMin = 0 } = options;
    const current = this.#pause;
    if (current === undefined) {
      this.#pause = { kind, key, reason, failures: 1, timer: undefined };
      this.#tellPaused(reason);
    } else if (
      current.timer === undefined &&
      current.key === key &&
      // A probe may fail in another way than what it was sent for; it must come again all the same.
      (current.kind === kind || key !== undefined)
    ) {
      current.kind = kind;
      current.failures++;
      current.reason = reason;
    } else return false;
    if (key !== undefined) this.#scheduleProbe(this.#pause!, key, waitMsMin);
    return true;
  }

  /** Whether further messages may come in: what a gate that is half open waits for may be among them. */
  get admits(): boolean {
    return this.#pause === undefined || this.halfOpen;
  }

  /** Whether one message, of any key, may be let through. */
  get halfOpen(): boolean {
    const pause = this.#pause;
    return pause?.kind === "circuit" && pause.timer === undefined && pause.key === undefined;
  }

  /** The message that half open was for is out; `key` is whose it is. */
  probing(key: string): void {
    assert(this.#pause !== undefined, "only a gate that is half open is probed");
    this.#pause.key = key;
  }

  /** Whether the circuit is open, half open included. */
  get circuitOpen(): boolean {
    return this.#pause?.kind === "circuit";
  }

  /**
   * Opens the circuit, or opens it again where the message let through, of `key`, has failed too.
   * Returns false where the input stands still for another reason already.
   */
  openCircuit(key: string, reason: string, restMs: number): boolean {
    if (this.#ended) return true;
    const current = this.#pause;
    if (current !== undefined && current.kind !== "circuit") return false;
    // What was out when the circuit opened fails late, and prolongs nothing.
    if (current !== undefined && current.key !== key) return true;
    const pause: Pause = current ?? { kind: "circuit", key, reason, failures: 0, timer: undefined };
    pause.failures++;
    pause.key = undefined;
    pause.timer = this.#environment.clock.after(restMs, () => {
      pause.timer = undefined;
      this.#events.halfOpened();
    });
    if (current === undefined) {
      this.#pause = pause;
      this.#tellPaused(reason);
    } else pause.reason = reason;
    return true;
  }

  /** A message of the key was handled, or failed in a way that has nothing to do with the pause. */
  passed(key: string): void {
    if (this.#pause?.key === key) this.#resume();
  }

  storeAnswers(): void {
    if (this.#pause?.kind === "store") this.#resume();
  }

  parkingHasRoom(): void {
    if (this.#pause?.kind === "parking") this.#resume();
  }

  end(): void {
    this.#ended = true;
    this.#pause?.timer?.cancel();
  }

  #scheduleProbe(pause: Pause, key: string, waitMsMin: number): void {
    const ownMs = backoffMs(pause.failures, this.#policy, this.#environment.random);
    const waitMs = Math.max(ownMs, waitMsMin);
    pause.timer = this.#environment.clock.after(waitMs, () => {
      pause.timer = undefined;
      this.#events.probe(key);
    });
  }

  #resume(): void {
    this.#pause?.timer?.cancel();
    this.#pause = undefined;
    if (this.#ended) return;
    this.#environment.log.info(this.#where, "an input goes on");
    this.#events.resumed();
  }

  #tellPaused(reason: string): void {
    this.#environment.log.warn({ ...this.#where, reason }, "an input pauses");
  }
}

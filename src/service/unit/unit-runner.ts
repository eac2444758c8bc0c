/**
 * Units with the worker: from a unit that was given out to what the worker decided about it.
 *
 * The documents that the worker is sure to read are fetched for all units of a moment together. A unit
 * counts as running from then until its decision is there; then others may begin.
 */

import type { EngineOptions } from "../input/engine-options.ts";
import { NO_DOCUMENTS, type Snapshot } from "../input/documents.ts";
import type { Unit } from "../input/key-lanes.ts";
import type { Decision } from "../part.ts";
import { StalledWork } from "./stalled-work.ts";
import { UnitContext } from "./unit-context.ts";

export interface UnitEvents {
  readonly worked: (unit: Unit, decision: Decision) => void;
  /** The worker threw, or its documents could not be read. */
  readonly failed: (unit: Unit, error: unknown) => void;
  /** There is room for further units. */
  readonly room: () => void;
  /** An invariant of the input is broken: it cannot go on. */
  readonly broken: (error: unknown) => void;
}

export class UnitRunner {
  readonly #options: EngineOptions;
  readonly #signal: AbortSignal;
  readonly #events: UnitEvents;
  readonly #stalled: StalledWork;
  #running = 0;

  /** `signal` aborts when work that is out shall end without being finished. */
  constructor(options: EngineOptions, signal: AbortSignal, events: UnitEvents) {
    this.#options = options;
    this.#signal = signal;
    this.#events = events;
    const { service, part, input, environment } = options;
    const where = { service, part: part.name, input: input.input };
    this.#stalled = new StalledWork({ environment, where });
    signal.addEventListener("abort", () => this.#stalled.stop(), { once: true });
  }

  /** Units whose decision is awaited. */
  get running(): number {
    return this.#running;
  }

  /** What does not come back, where something does not. */
  get stalled(): string | undefined {
    return this.#stalled.reason;
  }

  start(units: readonly Unit[]): void {
    const { worker, documents } = this.#options;
    const refs = worker.reads ? units.flatMap((unit) => worker.reads!(unit.key)) : [];
    const snapshot = refs.length === 0 ? NO_DOCUMENTS : documents.snapshot(refs);
    if (!(snapshot instanceof Promise)) {
      for (const unit of units) this.#work(unit, snapshot);
      return;
    }
    this.#whileRunning(units.length, snapshot, {
      done: (found) => units.forEach((unit) => this.#work(unit, found)),
      failed: (error) => units.forEach((unit) => this.#events.failed(unit, error)),
    });
  }

  #work(unit: Unit, snapshot: Snapshot): void {
    const messages = unit.arrivals.map((arrival) => arrival.message!);
    const { clock } = this.#options.environment;
    const { durations } = this.#options.counters;
    const beganMs = clock.monotonic();
    let decision: Decision | Promise<Decision>;
    try {
      const context = new UnitContext(unit, snapshot, this.#signal, this.#options);
      decision = this.#options.worker.work(unit.key, messages, context);
    } catch (error) {
      durations.note(clock.monotonic() - beganMs);
      this.#events.failed(unit, error);
      return;
    }
    if (!(decision instanceof Promise)) {
      durations.note(clock.monotonic() - beganMs);
      this.#events.worked(unit, decision);
      return;
    }
    this.#stalled.began(unit, beganMs);
    const timed = decision.finally(() => {
      this.#stalled.ended(unit);
      durations.note(clock.monotonic() - beganMs);
    });
    this.#whileRunning(1, timed, {
      done: (decided) => this.#events.worked(unit, decided),
      failed: (error) => this.#events.failed(unit, error),
    });
  }

  #whileRunning<Result>(
    units: number,
    work: Promise<Result>,
    then: { readonly done: (result: Result) => void; readonly failed: (error: unknown) => void },
  ): void {
    this.#running += units;
    work
      .finally(() => (this.#running -= units))
      .then(then.done, then.failed)
      .then(this.#events.room)
      .catch(this.#events.broken);
  }
}

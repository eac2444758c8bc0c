/**
 * The timers of a part as an input: what its instances asked to be reminded of, when it is due.
 *
 * Timers wait as rows of the store, written in the commits that decided them. One process at a time
 * fires them, the one that has the lease of `timersLease`; should two do so for a moment, the store
 * still settles each timer once, because firing it is a write set that must find it there.
 *
 * Moments are wall time: a clock that is set forward brings them nearer, one that is set back puts
 * them off. The input is
 *
 * - **looking**: it asks the store what is due, and hands over what it has not handed over yet;
 * - **waiting**: for the next moment by the clock, or for a commit of this process that sets an
 *   earlier timer;
 * - **full**: it has handed over as much as may be in flight, and waits until some of it is settled;
 * - **standing by**: another process has the lease.
 *
 * A timer that fails parks under this input's name. It is gone from the timers then, and is its
 * parked row until that is redriven or discarded.
 */

import { timersLease } from "../../store/timers-lease.ts";
import { isStoreOutage, textOf } from "../failure.ts";
import type { Arrival } from "../input/arrival.ts";
import { InputEngine } from "../input/input-engine.ts";
import { admit, rereadRow } from "./admission.ts";
import type { PartRuntime } from "./part-runtime.ts";
import { persistently } from "./persistently.ts";
import type { TimerWatch } from "./timer-watch.ts";

/** The input's name. A stream's input has a slash in it, and no part with timers reads such a queue. */
export const TIMER_INPUT = "timers";

const LEASE_MS = 15_000;
/** How long a timer set by another process may go unnoticed. */
const LOOK_MS = 1000;
const IN_FLIGHT_MAX = 1024;
const FETCH = 256;
/** Due timers that a status counts at most. */
const LAG_MAX = 1000;

/** Works on the part's timers until `stop` aborts. */
export async function runTimers(runtime: PartRuntime, stop: AbortSignal): Promise<void> {
  const { part, store, environment, changed } = runtime;
  const { epoch, lanes } = await persistently(runtime, stop, () =>
    store.readProgress(part.consumer, TIMER_INPUT),
  );
  const inFlight = new InFlightTimers();
  const engine = new InputEngine({
    ...runtime,
    input: { consumer: part.consumer, input: TIMER_INPUT, epoch },
    lanes,
    settlement: { settled: (arrivals) => inFlight.settle(arrivals) },
    reread: (row) => rereadRow(runtime, row),
  });
  const clockwork = new Clockwork({ runtime, watch: runtime.timerWatch, engine, inFlight, stop });
  await persistently(runtime, stop, () => engine.start());
  runtime.inputs.set(TIMER_INPUT, {
    name: TIMER_INPUT,
    engine,
    atRest: () => clockwork.atRest,
    lag: async () => {
      const dueMs = environment.clock.now();
      return (await store.dueTimers(part.consumer, { dueMs, limit: LAG_MAX })).length;
    },
  });
  changed();
  try {
    await clockwork.run();
  } finally {
    await engine.finish(runtime.deadlineMs());
    await clockwork.release();
    runtime.inputs.delete(TIMER_INPUT);
    changed();
  }
}

/** Timers that were handed over and are not settled, by id. */
class InFlightTimers {
  readonly #ids = new Set<string>();
  #settled: () => void = () => undefined;

  get size(): number {
    return this.#ids.size;
  }

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  add(id: string): void {
    this.#ids.add(id);
  }

  settle(arrivals: readonly Arrival[]): void {
    for (const { incoming } of arrivals) this.#ids.delete(incoming.id);
    this.#settled();
  }

  listen(settled: () => void): void {
    this.#settled = settled;
  }
}

interface ClockworkOptions {
  readonly runtime: PartRuntime;
  readonly watch: TimerWatch;
  readonly engine: InputEngine;
  readonly inFlight: InFlightTimers;
  readonly stop: AbortSignal;
}

class Clockwork {
  readonly #options: ClockworkOptions;
  readonly #owner: string;
  readonly #lane: string;
  #leasedUntilMs = Number.NEGATIVE_INFINITY;
  /** Of the timers that were not handed over, as the store had them; undefined where there is none. */
  #nextMs: number | undefined;
  #state: "looking" | "waiting" | "full" | "standing by" = "looking";
  #wake: () => void = () => undefined;

  constructor(options: ClockworkOptions) {
    const { part, environment } = options.runtime;
    this.#options = options;
    this.#owner = environment.ids.newId();
    this.#lane = timersLease(part.consumer);
  }

  /** Nothing is due that this process would have to fire. */
  get atRest(): boolean {
    if (this.#state === "standing by") return true;
    return this.#state === "waiting" && !this.#isDue;
  }

  async run(): Promise<void> {
    const { runtime, watch, engine, inFlight, stop } = this.#options;
    const ended = AbortSignal.any([stop, engine.signal]);
    ended.addEventListener("abort", () => this.#wake(), { once: true });
    watch.listen(() => this.#wake());
    inFlight.listen(() => {
      if (this.#state === "full") this.#wake();
    });
    while (!ended.aborted) {
      await persistently(runtime, ended, () => this.#look()).catch((error: unknown) => {
        // Seen in the status, and the other inputs of the part go on.
        if (!ended.aborted) engine.fail(error);
      });
      runtime.changed();
      while (!ended.aborted && !this.#mustLook) await this.#sleep();
    }
    watch.listen(() => undefined);
    // An engine that failed stays to be seen until the part stops.
    stop.addEventListener("abort", () => this.#wake(), { once: true });
    while (!stop.aborted) await new Promise<void>((resolve) => (this.#wake = resolve));
  }

  /** Lets another process have the timers at once. */
  async release(): Promise<void> {
    const { store, environment, part } = this.#options.runtime;
    if (this.#leasedUntilMs === Number.NEGATIVE_INFINITY) return;
    await store.leaseLane(this.#lane, this.#owner, 0).catch((error: unknown) => {
      if (!isStoreOutage(error)) throw error;
      environment.log.debug(
        { part: part.name, error: textOf(error) },
        "the lease of the timers could not be given back; it ends by itself",
      );
    });
  }

  get #dueMs(): number | undefined {
    const { earliestMs } = this.#options.watch;
    if (this.#nextMs === undefined || earliestMs === undefined) return this.#nextMs ?? earliestMs;
    return Math.min(this.#nextMs, earliestMs);
  }

  get #isDue(): boolean {
    const dueMs = this.#dueMs;
    return dueMs !== undefined && dueMs <= this.#options.runtime.environment.clock.now();
  }

  get #mustLook(): boolean {
    if (this.#state === "looking") return true;
    if (this.#state === "full") return this.#options.inFlight.size < IN_FLIGHT_MAX;
    return this.#state === "waiting" && this.#isDue;
  }

  /** Until something may have changed. What other processes set is seen by looking again. */
  async #sleep(): Promise<void> {
    const { store, environment } = this.#options.runtime;
    const { clock } = environment;
    const others = store.capabilities.shared || this.#state === "standing by";
    const dueMs = this.#state === "waiting" ? this.#dueMs : undefined;
    const { promise, resolve } = Promise.withResolvers<void>();
    const look = (): void => {
      this.#state = "looking";
      resolve();
    };
    const timers = [
      ...(others ? [clock.after(LOOK_MS, look)] : []),
      ...(dueMs === undefined ? [] : [clock.at(dueMs, resolve)]),
    ];
    this.#wake = resolve;
    await promise;
    for (const timer of timers) timer.cancel();
  }

  async #look(): Promise<void> {
    const { runtime, watch, engine, inFlight } = this.#options;
    const { store, part, environment } = runtime;
    if (!(await this.#lease())) {
      this.#state = "standing by";
      return;
    }
    this.#state = "looking";
    watch.forget();
    const dueMs = environment.clock.now();
    // What is in flight is still in the store, among the first.
    const limit = inFlight.size + FETCH;
    const due = await store.dueTimers(part.consumer, { dueMs, limit });
    const intake: { arrivals: Arrival[]; ignored: Arrival[] } = { arrivals: [], ignored: [] };
    for (const { id, message: raw, consumer, instance, name, dueMs: receivedMs } of due) {
      if (inFlight.has(id)) continue;
      inFlight.add(id);
      const timer = { consumer, instance, name };
      admit(runtime, { raw, receivedMs, fallbackId: id, timer, byPlace: false }, intake);
    }
    engine.ignore(intake.ignored);
    engine.accept(intake.arrivals, () => false);
    if (due.length === limit) this.#state = inFlight.size < IN_FLIGHT_MAX ? "looking" : "full";
    else {
      this.#nextMs = await this.#nextOf(dueMs);
      this.#state = "waiting";
    }
  }

  /** The moment of the first timer that is not in flight. */
  async #nextOf(afterMs: number): Promise<number | undefined> {
    const { runtime, inFlight } = this.#options;
    const { store, part } = runtime;
    if (inFlight.size === 0) return store.nextTimerMs(part.consumer);
    const limit = inFlight.size + 1;
    const first = await store.dueTimers(part.consumer, { dueMs: Number.MAX_SAFE_INTEGER, limit });
    return first.find(({ id, dueMs }) => dueMs > afterMs && !inFlight.has(id))?.dueMs;
  }

  async #lease(): Promise<boolean> {
    const { store, environment } = this.#options.runtime;
    const nowMs = environment.clock.monotonic();
    if (nowMs < this.#leasedUntilMs - LEASE_MS / 2) return true;
    if (!(await store.leaseLane(this.#lane, this.#owner, LEASE_MS))) return false;
    this.#leasedUntilMs = nowMs + LEASE_MS;
    return true;
  }
}

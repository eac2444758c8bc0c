/**
 * One input of a part at work: from arrivals to settled messages.
 *
 * What a partition of a stream and a queue have in common stands here; what differs (where arrivals
 * come from, how the broker is told, where failures are kept) comes as `Settlement`. The way of a
 * message:
 *
 * 1. `accept` admits it through the inbox; what was settled before is only noted.
 * 2. Its key's lane (`KeyLanes`) gives it out in a unit, one unit a key at a time.
 * 3. The worker decides. Decisions gather while a commit runs, so the first message of a quiet input
 *    goes alone and at once, and under load a commit carries many.
 * 4. One `apply` commits them. Conflicting keys go back to their lanes and are handled anew, alone.
 * 5. What was applied is settled with the broker, and its outgoing messages go to the relay.
 *
 * Nothing here is lost by stopping at any point: until 4 the message comes again, after it the inbox
 * knows it.
 *
 * The engine is **open**; or **paused**, when it gives out no units (a dependency is down, a blocking
 * failure, the store does not answer, parking is full) while those that are out go on; or **ending**,
 * when it finishes what is out; or **closed**.
 */

import type { Lease } from "../../broker/queues.ts";
import type { OffsetRange, SetOutcome } from "../../store/write-set.ts";
import type { Decision } from "../part.ts";
import type { Arrival } from "./arrival.ts";
import type { Ready } from "./batch.ts";
import { Committer } from "./committer.ts";
import { countHandled } from "./counters.ts";
import type { EngineOptions } from "./engine-options.ts";
import { FailureDesk } from "./failure-desk.ts";
import { InFlight } from "./in-flight.ts";
import { textOf } from "../failure.ts";
import { outboxLane } from "../outbox/relay.ts";
import { KeyLanes, type Unit } from "./key-lanes.ts";
import { ParkedRows } from "./parked-rows.ts";
import { PauseGate } from "./pause-gate.ts";
import { UnitRunner } from "../work/unit-runner.ts";

export class InputEngine {
  readonly #options: EngineOptions;
  readonly #flight: InFlight;
  readonly #failures: FailureDesk;
  readonly #keys: KeyLanes;
  readonly #gate: PauseGate;
  readonly #committer: Committer;
  readonly #rows: ParkedRows;
  readonly #runner: UnitRunner;
  readonly #abort = new AbortController();
  readonly #waiters: (() => void)[] = [];
  #open = true;
  #failure: unknown;

  constructor(options: EngineOptions) {
    const { part, input, environment } = options;
    const { policy } = part;
    this.#options = options;
    this.#flight = new InFlight(options.lanes);
    this.#keys = new KeyLanes(policy.parkedMax);
    const where = { part: part.name, input: input.input };
    this.#gate = new PauseGate(policy, environment, {
      probe: (key) => this.#probe(key),
      halfOpened: () => this.#fill(),
      paused: (reason) => environment.log.warn({ ...where, reason }, "an input pauses"),
      resumed: () => {
        environment.log.info(where, "an input goes on");
        this.#fill();
      },
    });
    this.#committer = new Committer({
      ...options,
      policy,
      lane: outboxLane(part.consumer, input.input),
      signal: this.#abort.signal,
      events: {
        unfinished: (inBatch) => this.#flight.unfinished(inBatch),
        answered: (ready, answer, repeats) => this.#answered(ready, answer, repeats),
        settled: (arrivals, outcome) => {
          if (outcome.events !== undefined) options.feed.appended();
          options.settlement.settled(arrivals, outcome);
        },
        refused: (ready, error) => this.#refused(ready, error),
        outage: (error) => this.#gate.pause("store", { reason: textOf(error) }),
        storeAnswers: () => this.#gate.storeAnswers(),
        failed: (error) => this.fail(error),
        progressed: () => this.#fill(),
      },
    });
    this.#runner = new UnitRunner(options, this.#abort.signal, {
      worked: (unit, decision) => this.#worked(unit, decision),
      failed: (unit, error) => this.#failures.failed(unit, 0, error),
      room: () => this.#fill(),
      broken: (error) => this.fail(error),
    });
    this.#rows = new ParkedRows({
      ...options,
      clock: environment.clock,
      consumer: input.consumer,
      input: input.input,
      keys: this.#keys,
      learned: () => {
        if (!this.#keys.full) this.#gate.parkingHasRoom();
        this.#fill();
      },
      failed: (error) => this.fail(error),
    });
    this.#failures = new FailureDesk({
      ...options,
      keys: this.#keys,
      gate: this.#gate,
      flight: this.#flight,
      signal: this.#abort.signal,
      push: (ready) => this.#committer.push(ready),
      woken: () => this.#fill(),
    });
  }

  /** Its name: `stream/partition`, or the queue's. */
  get input(): string {
    return this.#options.input.input;
  }

  /** Aborts when work that is out shall end without being finished. */
  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  /** Why it stands still, where it does. */
  get paused(): string | undefined {
    return this.#failure === undefined ? this.#gate.reason : textOf(this.#failure);
  }

  /** What ended it before its time. */
  get failure(): unknown {
    return this.#failure;
  }

  get parked(): number {
    return this.#keys.parked;
  }

  /** Whether nothing is on its way. */
  get idle(): boolean {
    return (
      this.#flight.empty &&
      this.#runner.running === 0 &&
      this.#committer.idle &&
      this.#rows.idle &&
      !this.#keys.draining
    );
  }

  /** Takes messages as they came. `isSeen` tells the ids of strangers that the store remembers. */
  accept(arrivals: readonly Arrival[], isSeen: (id: string) => boolean): void {
    for (const arrival of arrivals) {
      const admission = this.#flight.admit(arrival, isSeen);
      if (admission === "new") this.#keys.add(arrival);
      else this.#options.counters.duplicates++;
      if (admission === "settled") this.#committer.note([arrival]);
    }
    this.#fill();
  }

  /** Notes messages that nobody handles. */
  ignore(arrivals: readonly Arrival[]): void {
    this.#committer.note(arrivals);
  }

  /** Notes offsets that hold no message. */
  skip(gap: OffsetRange): void {
    this.#committer.skip(gap);
  }

  /** Resolves when further messages may be accepted, or the engine ends. */
  async room(): Promise<void> {
    // A gate that is half open waits for a message, which may have yet to come.
    const standsStill = (): boolean => this.#gate.reason !== undefined && !this.#gate.halfOpen;
    while (this.#open && (standsStill() || this.#flight.full)) {
      await this.#change();
    }
  }

  /** The arrival in flight that came with this lease. */
  arrivalOf(lease: Lease): Arrival | undefined {
    return this.#flight.find((arrival) => arrival.lease === lease);
  }

  /** A lease was lost: another consumer may have the message, so its work here ends unsettled. */
  lose(arrival: Arrival): void {
    arrival.cancel?.abort();
    this.#flight.forget(arrival);
    this.#changed();
  }

  /** To be awaited before the first message is accepted. Throws STORE_FAILED. */
  start(): Promise<void> {
    return this.#rows.load();
  }

  /** Learns from the store what is parked and what of it shall be worked off. */
  refreshParked(): Promise<void> {
    return this.#rows.refresh();
  }

  /**
   * Gives out nothing more, and resolves when what is out is committed, or when `deadlineMs` have
   * passed and the rest was aborted. Returns the arrivals that were not settled.
   */
  async finish(deadlineMs: number): Promise<readonly Arrival[]> {
    this.#close();
    const timer = this.#options.environment.clock.after(deadlineMs, () => this.#cancel());
    while (!this.#abort.signal.aborted && (this.#runner.running > 0 || !this.#committer.idle)) {
      await this.#change();
    }
    timer.cancel();
    this.#cancel();
    return this.#flight.all();
  }

  /** Ends at once, because it cannot or must not go on; `failure` says why. */
  fail(failure: unknown): void {
    if (this.#abort.signal.aborted) return;
    this.#failure = failure;
    const { part, environment } = this.#options;
    environment.log.error(
      { part: part.name, input: this.input, error: textOf(failure) },
      "an input cannot go on",
    );
    this.#close();
    this.#cancel();
  }

  #close(): void {
    this.#open = false;
    this.#gate.end();
    this.#rows.end();
  }

  #cancel(): void {
    this.#abort.abort();
    this.#changed();
  }

  /** Resolves at the next change. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #changed(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
    this.#options.changed();
  }

  #fill(): void {
    while (this.#open && !this.#committer.full) {
      const units: Unit[] = [];
      while (this.#runner.running + units.length < this.#options.part.concurrency) {
        const unit = this.#takeUnit();
        if (unit === undefined) break;
        if (unit.kind === "work") units.push(unit);
        else this.#passOn(unit);
      }
      if (units.length === 0) break;
      this.#runner.start(units);
    }
    this.#changed();
  }

  #takeUnit(): Unit | undefined {
    if (this.#gate.reason === undefined) {
      const unit = this.#keys.take();
      if (unit !== undefined || !this.#keys.full) return unit;
      const { parkedMax } = this.#options.part.policy;
      this.#gate.pause("parking", {
        reason: `${parkedMax} messages are parked, the most allowed; redrive or discard some, or raise parkedMax`,
      });
    }
    if (this.#gate.halfOpen) {
      const unit = this.#keys.take({ one: true });
      if (unit?.kind === "work") this.#gate.probing(unit.key);
      return unit;
    }
    return this.#gate.allowsRows ? this.#keys.take({ rowsOnly: true }) : undefined;
  }

  /** Units that need no worker: what could not be decoded, and what becomes rows. */
  #passOn(unit: Unit): void {
    if (unit.kind === "unreadable")
      this.#failures.failed(unit, 0, unit.arrivals[0].error, "bad-message");
    else this.#committer.push({ unit, arrivals: unit.arrivals });
  }

  #worked(unit: Unit, decision: Decision): void {
    if (decision.handled > 0) {
      this.#failures.handled();
      this.#gate.passed(unit.key);
    } else if ((decision.writes.effects ?? []).length === 0) {
      this.#failures.failed(unit, 0, decision.failure?.error);
      return;
    }
    this.#committer.push({ unit, arrivals: unit.arrivals.slice(0, decision.handled), decision });
  }

  #probe(key: string): void {
    let unit = this.#keys.takeHead(key);
    // What only becomes a row tells nothing of the pause: the head behind it does.
    while (unit?.kind === "park" || unit?.kind === "repark") {
      this.#passOn(unit);
      unit = this.#keys.takeHead(key);
    }
    if (unit === undefined) this.#gate.passed(key);
    else if (unit.kind === "work") this.#runner.start([unit]);
    else this.#passOn(unit);
    this.#fill();
  }

  /** Applies the answer to one outcome; returns the arrivals that are settled now. */
  #answered(
    { unit, arrivals, decision, alone }: Ready,
    answer: SetOutcome,
    repeats: readonly number[],
  ): readonly Arrival[] {
    const { worker, documents, counters } = this.#options;
    const writes = decision?.writes.documents ?? [];
    const ofRows = unit.arrivals[0]?.row !== undefined;
    if (answer.status === "applied") {
      documents.written(writes);
      if (arrivals.length > 0) worker.committed?.(unit.key);
      if (decision !== undefined) countHandled(counters, arrivals.length, decision.unmatched);
      arrivals.forEach((arrival, index) => this.#settled(arrival, repeats[index]!));
      if (decision?.failure === undefined) this.#keys.done(unit);
      else this.#failures.failed(unit, arrivals.length, decision.failure.error);
      if (alone !== undefined || ofRows) void this.#rows.refresh();
      this.#rows.watch("cause" in unit ? unit.cause?.retryAtMs : undefined);
      return arrivals;
    }
    documents.forget(writes);
    worker.forget?.(unit.key);
    const known = new Set(answer.status === "duplicate" ? answer.settled : []);
    const settled = unit.arrivals.filter((arrival) => known.has(arrival.incoming.id));
    const left = unit.arrivals.filter((arrival) => !known.has(arrival.incoming.id));
    counters.duplicates += settled.length;
    for (const arrival of settled) this.#settled(arrival, arrival.repeats?.length ?? 0);
    this.#keys.done(unit, left);
    if (ofRows) {
      // Perhaps somebody else worked the rows off or discarded them: load them anew.
      this.#keys.dropRows(unit.key);
      void this.#rows.refresh();
    }
    return settled;
  }

  /** Copies that came after the batch was built are noted in the next one. */
  #settled(arrival: Arrival, repeatsCommitted: number): void {
    if (arrival.row !== undefined) return;
    this.#flight.finish(arrival);
    this.#committer.note(arrival.repeats?.slice(repeatsCommitted) ?? []);
  }

  /** The store will never take this: try one by one. What cannot even be parked has no way left. */
  #refused({ unit, arrivals, decision }: Ready, error: unknown): void {
    this.#options.documents.forget(decision?.writes.documents ?? []);
    this.#options.worker.forget?.(unit.key);
    if (arrivals.length > 1) {
      this.#keys.done(unit, unit.arrivals);
      this.#keys.giveOneByOne(unit.key);
    } else if (unit.kind === "park" || unit.kind === "repark") this.fail(error);
    else this.#failures.failed(unit, 0, error);
  }
}

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
import type { InboxMark, OffsetRange } from "../../store/write-set.ts";
import type { Decision } from "../part.ts";
import { AnswerAgain } from "../ask/answer-again.ts";
import { withAnswers } from "../ask/answering.ts";
import type { Answered } from "../ask/asker.ts";
import { expiredCommand, lostCommand } from "../ask/failed-command.ts";
import { askersOf, isExpired, type Arrival } from "./arrival.ts";
import { Committer } from "./committer.ts";
import type { EngineOptions } from "./engine-options.ts";
import { FailureDesk } from "./failure-desk.ts";
import { InFlight } from "./in-flight.ts";
import { textOf } from "../failure.ts";
import { OutcomeDesk } from "./outcome-desk.ts";
import { outboxLane } from "../outbox/lane.ts";
import { KeyLanes, type Unit } from "./key-lanes.ts";
import { ParkedRows } from "./parked-rows.ts";
import { PauseGate } from "./pause-gate.ts";
import { UnitRunner } from "../unit/unit-runner.ts";

export class InputEngine {
  readonly #options: EngineOptions;
  readonly #flight: InFlight;
  readonly #failures: FailureDesk;
  readonly #keys: KeyLanes;
  readonly #gate: PauseGate;
  readonly #committer: Committer;
  readonly #rows: ParkedRows;
  readonly #runner: UnitRunner;
  readonly #again: AnswerAgain;
  readonly #outcomes: OutcomeDesk;
  readonly #abort = new AbortController();
  readonly #waiters: (() => void)[] = [];
  readonly #wake = (): void => this.#waiters.splice(0).forEach((resolve) => resolve());
  #open = true;
  #failure: unknown;

  constructor(options: EngineOptions) {
    const { part, input, environment } = options;
    const { policy } = part;
    this.#options = options;
    this.#flight = new InFlight(options.lanes, options.budget);
    this.#keys = new KeyLanes(policy.parkedMax);
    const lane = outboxLane(part.consumer, input.input);
    this.#gate = new PauseGate(options, {
      probe: (key) => this.#probe(key),
      halfOpened: () => this.#fill(),
      resumed: () => this.#fill(),
    });
    this.#committer = new Committer({
      ...options,
      policy,
      lane,
      signal: this.#abort.signal,
      events: {
        unfinished: (inBatch) => this.#flight.unfinished(inBatch),
        answered: (ready, answer, committed) => this.#outcomes.answered(ready, answer, committed),
        settled: (arrivals, outcome) => {
          if (outcome.events !== undefined) options.feed.appended();
          options.settlement.settled(arrivals, outcome);
        },
        refused: (ready, error) => this.#outcomes.refused(ready, error),
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
    this.#again = new AnswerAgain({ ...options, input: input.input });
    this.#outcomes = new OutcomeDesk({
      ...options,
      keys: this.#keys,
      flight: this.#flight,
      rows: this.#rows,
      failures: this.#failures,
      again: this.#again,
      lane,
      note: (arrivals) => this.#committer.note(arrivals),
      broken: (error) => this.fail(error),
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

  /** Which message does not come back from its handler, where one does not. */
  get stalled(): string | undefined {
    return this.#runner.stalled;
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

  /** Whether nothing more may be accepted for now. */
  get full(): boolean {
    return !this.#open || this.#flight.full;
  }

  /** Whether what a source's lane has at this place was settled here. */
  hasSettled(mark: InboxMark): boolean {
    return this.#flight.hasSettled(mark);
  }

  /** Whether the message at this offset is being worked on. */
  holds(offset: number): boolean {
    return this.#flight.find(({ incoming }) => incoming.offset === offset) !== undefined;
  }

  /** Whether messages of the key are parked. */
  hasParked(key: string): boolean {
    return this.#keys.parkedOf(key) > 0;
  }

  /** What was answered to a command that comes again; undefined where nothing was. */
  async answeredBefore(id: string): Promise<Answered | undefined> {
    const answer = await this.#again.recorded(id);
    return answer && this.#again.answered(answer);
  }

  /** Takes messages as they came. `isSeen` tells the ids of strangers that the store remembers. */
  accept(arrivals: readonly Arrival[], isSeen: (id: string) => boolean): void {
    for (const arrival of arrivals) {
      const admission = this.#flight.admit(arrival, isSeen);
      if (admission === "new") this.#keys.add(arrival);
      else this.#options.counters.duplicates++;
      if (admission === "settled") {
        this.#again.tell(arrival);
        this.#committer.note([arrival]);
      }
    }
    this.#fill();
  }

  /** Notes messages that nobody handles. Those of one batch that somebody does are accepted before. */
  ignore(arrivals: readonly Arrival[]): void {
    for (const arrival of arrivals) this.#flight.pass(arrival);
    this.#committer.note(arrivals);
  }

  /** Notes offsets that hold no message. */
  skip(gap: OffsetRange): void {
    this.#committer.skip(gap);
  }

  /** Resolves when further messages may be accepted, or the engine ends. */
  async room(): Promise<void> {
    while (this.#open && !(this.#gate.admits && this.#flight.hasRoom(this.#wake))) {
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
    for (const asker of askersOf(arrival)) asker.failed(lostCommand(arrival));
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
    this.#flight.release();
    const left = this.#flight.all();
    for (const arrival of left) {
      for (const asker of askersOf(arrival)) asker.failed(lostCommand(arrival));
    }
    return left;
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

  #change(): Promise<void> {
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  #changed(): void {
    this.#wake();
    this.#options.changed();
  }

  #fill(): void {
    this.#rows.moved();
    while (this.#open && !this.#committer.full) {
      const units: Unit[] = [];
      while (this.#runner.running + units.length < this.#options.part.concurrency) {
        const unit = this.#takeUnit();
        if (unit === undefined) break;
        if (unit.kind !== "work") this.#passOn(unit);
        else if (!this.#dropExpired(unit)) units.push(unit);
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
      const reason = `${parkedMax} messages are parked, the most allowed; redrive or discard some, or raise parkedMax`;
      this.#gate.pause("parking", { reason });
    }
    if (this.#gate.halfOpen) {
      const unit = this.#keys.take({ one: true });
      if (unit?.kind === "work") this.#gate.probing(unit.key);
      return unit;
    }
    return this.#gate.allowsRows ? this.#keys.take({ rowsOnly: true }) : undefined;
  }

  /**
   * Settles what nobody wants any more without handling it. Returns whether there was any: then the
   * rest of the unit went back to its line.
   */
  #dropExpired(unit: Unit): boolean {
    const { environment, counters, settlement } = this.#options;
    const nowMs = environment.clock.now();
    const expired = unit.arrivals.filter((arrival) => isExpired(arrival, nowMs));
    if (expired.length === 0) return false;
    counters.expired += expired.length;
    for (const arrival of expired) {
      this.#flight.forget(arrival);
      for (const asker of askersOf(arrival)) asker.failed(expiredCommand(arrival));
    }
    settlement.expired?.(expired);
    this.#keys.done(
      unit,
      unit.arrivals.filter((arrival) => !expired.includes(arrival)),
    );
    return true;
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
    const arrivals = unit.arrivals.slice(0, decision.handled);
    let answering: Decision;
    try {
      answering = withAnswers(decision, arrivals, this.#options);
    } catch (error) {
      this.#outcomes.refused({ unit, arrivals, decision }, error);
      return;
    }
    this.#committer.push({ unit, arrivals, decision: answering });
  }

  #probe(key: string): void {
    let unit = this.#keys.takeHead(key);
    // What only becomes a row tells nothing of the pause: the head behind it does.
    while (unit !== undefined && unit.kind !== "unreadable") {
      if (unit.kind !== "work") this.#passOn(unit);
      else if (!this.#dropExpired(unit)) break;
      unit = this.#keys.takeHead(key);
    }
    if (unit === undefined) this.#gate.passed(key);
    else if (unit.kind === "work") this.#runner.start([unit]);
    else this.#passOn(unit);
    this.#fill();
  }
}

/**
 * One queue at work: the state machine, its journal, its receivers and its timer.
 *
 * Calls only collect in buffers; all work happens in a **turn**, at the end of the tick in which
 * something was asked, or when a lease or a delay falls due. A turn goes through fixed stages:
 *
 * 1. *settle*: accepts, releases, rejections, ended leases, redrives and discards become one record
 *    of operations, written even on a full disk, then applied to the state;
 * 2. *send*: new messages become one batch, refused as a whole where the disk is full;
 * 3. *lease*: ready messages are given to the receivers that ask, as one record.
 *
 * Each stage writes and changes the state within one step of the program, so journal and state have
 * one order; what the journal refuses at once leaves the state as it was. The state thereby runs
 * ahead of the disk, but nothing leaves before it is durable: callers are answered, and leases
 * delivered, when their record is. A message can be sent, leased and delivered with a single sync.
 *
 * Lease records are synced before delivery, though that costs a group commit: consumers live in the
 * broker's own process, so a message that crashes its consumer takes the broker with it, and
 * without the durable attempt it would come back as "attempt 1" for ever and never reach the dead
 * letters.
 *
 * If a write fails after the state changed, the state is thrown away and recovered from the
 * journal, which is the truth: `recovering` holds all turns meanwhile, and leases given out are
 * lost. A recovery that fails is tried again; the queue never goes back to the state that was wrong.
 */

import type { Clock, Timer } from "../../../model/clock.ts";
import { isMillraceError, type MillraceError } from "../../../model/errors.ts";
import type { Outcome } from "../../../model/outcome.ts";
import type { NewEntry, QueueEntry, QueueRules, QueueState } from "../../queue-state.ts";
import type {
  DeadLetter,
  Lease,
  QueueInfo,
  QueueSend,
  QueueSpec,
  ReceiveOptions,
  Sent,
} from "../../queues.ts";
import { tooLarge } from "../../validate.ts";
import { LeaseStage } from "./lease-stage.ts";
import { LocalReceiver } from "./local-receiver.ts";
import { PendingCall } from "../pending-call.ts";
import { planSettlements } from "./plan-settlements.ts";
import {
  applyOps,
  type QueueJournal,
  type QueueOps,
  type RecoveredQueue,
} from "./queue-journal.ts";
import { SendStage } from "./send-stage.ts";
import {
  type DeadLetterChange,
  leaseEndedCause,
  leaseLost,
  type Settlement,
} from "./settlement.ts";

export interface LocalQueueOptions {
  readonly spec: QueueSpec;
  readonly journal: QueueJournal;
  readonly clock: Clock;
  /** Runs the callback at the end of the present tick. */
  readonly defer: (callback: () => void) => void;
}

const ATTEMPTS = 5;
/** Messages below which those held back are loaded, so that receivers never wait for the disk. */
const READY_LOW = 2_000;
/** How long an ended lease stays when the journal refused to write its end. */
const RETRY_MS = 100;
/** Between recoveries that fail; what is asked meanwhile waits for the next one. */
const RECOVER_AGAIN_MS = 1_000;
/** Timers are set no further ahead: real ones overflow beyond 24 days. */
const TIMER_MS_MAX = 3_600_000;

export function rulesOf(spec: QueueSpec): QueueRules {
  return { attempts: spec.attempts ?? ATTEMPTS, keyOrder: spec.keyOrder ?? false };
}

export class LocalQueue {
  readonly #journal: QueueJournal;
  readonly #clock: Clock;
  readonly #defer: (callback: () => void) => void;
  readonly #sending: SendStage;
  readonly #leasing: LeaseStage;
  #spec: QueueSpec;
  #state: QueueState;
  #settlements: Settlement[] = [];
  #changes: DeadLetterChange[] = [];
  #scheduled = false;
  #recovering = false;
  #recoverTimer: Timer | undefined;
  #loading = false;
  #closed: MillraceError | undefined;
  #timer: Timer | undefined;
  #timerDueMs = Infinity;

  constructor(
    { spec, journal, clock, defer }: LocalQueueOptions,
    { state, unsettled }: RecoveredQueue,
  ) {
    this.#spec = spec;
    this.#journal = journal;
    this.#clock = clock;
    this.#defer = defer;
    this.#state = state;
    const broke = (error: unknown): void => this.#broke(error);
    this.#sending = new SendStage({
      journal,
      clock,
      dedupe: spec.dedupe,
      wake: () => this.#wake(),
      broke,
    });
    this.#leasing = new LeaseStage({
      queue: spec.name,
      journal,
      giveBack: (leases) => this.#giveBack(leases),
      wakeIn: (ms) => this.#wakeIn(ms),
      broke,
    });
    this.#buryExhausted(unsettled);
    this.#wake();
  }

  get spec(): QueueSpec {
    return this.#spec;
  }

  info(): QueueInfo {
    const oldestMs = this.#state.oldestWaitingMs();
    return {
      spec: this.#spec,
      waiting: this.#state.count("waiting") + this.#journal.heldBack,
      delayed: this.#state.count("delayed"),
      leased: this.#state.count("leased"),
      deadLetters: this.#state.count("dead"),
      ...(oldestMs === undefined ? {} : { oldestMs }),
    };
  }

  async configure(spec: QueueSpec): Promise<void> {
    await this.#journal.configure(spec);
    this.#spec = spec;
    this.#state.configure(rulesOf(spec));
    this.#sending.configure(spec.dedupe);
  }

  send(items: readonly QueueSend[]): Promise<readonly Outcome<Sent>[]> {
    const call = new PendingCall<Sent>(items.length);
    for (let index = 0; index < items.length; index++) {
      const item = items[index]!;
      const refusal = this.#closed ?? tooLarge(this.#spec.name, item.message);
      if (refusal === undefined) this.#sending.push({ item, call, index });
      else call.fail(index, refusal);
    }
    this.#wake();
    return call.settled;
  }

  settle(settlement: Settlement): void {
    if (this.#closed !== undefined) return settlement.call.fail(settlement.index, this.#closed);
    this.#settlements.push(settlement);
    this.#wake();
  }

  changeDeadLetters(change: DeadLetterChange): void {
    if (this.#closed !== undefined) return change.fail(this.#closed);
    this.#changes.push(change);
    this.#wake();
  }

  /** Not written down: leases end with the process. Throws LEASE_LOST. */
  extend(lease: Lease, ms: number): Lease {
    const entry = this.#state.get(lease.sequence);
    if (entry === undefined || entry.token !== lease.token) throw leaseLost(lease);
    this.#state.extend(entry, this.#clock.monotonic() + ms);
    return { ...lease, endsMs: this.#clock.now() + ms };
  }

  receive({ credit, signal }: ReceiveOptions): LocalReceiver {
    const receiver = new LocalReceiver({
      credit,
      signal,
      onChange: (changed) => {
        if (changed.ended) this.#leasing.remove(changed);
        this.#wake();
      },
    });
    if (!receiver.ended) this.#leasing.add(receiver);
    return receiver;
  }

  async deadLetters(after: number | undefined, limit: number): Promise<DeadLetter[]> {
    const page: QueueEntry[] = [];
    // A letter that is no longer dead marks no place; the listing then begins anew.
    let skipping = after !== undefined && this.#state.getDead(after) !== undefined;
    for (const entry of this.#state.deadLetters()) {
      if (page.length >= limit) break;
      if (!skipping) page.push(entry);
      else if (entry.sequence === after) skipping = false;
    }
    const letters: DeadLetter[] = [];
    for (const entry of page) {
      const { sequence, attempts, sentMs, deadMs, cause } = entry;
      const message = entry.message ?? (await this.#journal.readMessage(entry));
      const queue = this.#spec.name;
      letters.push({ queue, sequence, message, attempts, sentMs, deadMs, cause: cause! });
    }
    return letters;
  }

  /** Finishes what was asked, answers the rest with `reason`, and closes the journal. */
  async close(reason: MillraceError): Promise<void> {
    if (this.#closed !== undefined) return;
    this.#leasing.close();
    await this.#leasing.lastDelivery;
    if (!this.#recovering) {
      this.#settle(this.#clock.now(), this.#clock.monotonic());
      this.#sending.run(this.#state, this.#spec, this.#clock.now());
    }
    this.#closed = reason;
    this.#timer?.cancel();
    this.#recoverTimer?.cancel();
    this.#failBuffers(reason);
    await this.#journal.close();
  }

  #wake(): void {
    if (this.#scheduled || this.#recovering || this.#closed !== undefined) return;
    this.#scheduled = true;
    this.#defer(this.#deferredTurn);
  }

  readonly #deferredTurn = (): void => {
    this.#scheduled = false;
    if (!this.#recovering && this.#closed === undefined) this.#turn();
  };

  #turn(): void {
    const nowMs = this.#clock.now();
    const monotonicMs = this.#clock.monotonic();
    this.#settle(nowMs, monotonicMs);
    this.#sending.run(this.#state, this.#spec, nowMs);
    this.#state.ripen(nowMs);
    this.#leasing.run(this.#state, this.#spec, { nowMs, monotonicMs });
    this.#loadHeldBack();
    this.#schedule(nowMs, monotonicMs);
    this.#journal.tend(this.#state);
  }

  #settle(nowMs: number, monotonicMs: number): void {
    const ended = this.#state.takeEnded(monotonicMs);
    if (this.#settlements.length + this.#changes.length + ended.length === 0) return;
    const settlements = this.#settlements;
    const changes = this.#changes;
    this.#settlements = [];
    this.#changes = [];
    const plan = planSettlements(this.#state, { settlements, changes, ended, nowMs });
    if (plan.entries.length === 0) {
      plan.succeed();
      return;
    }
    let durable: Promise<void>;
    try {
      durable = this.#journal.record(plan.ops);
    } catch (error) {
      plan.takeBack();
      for (const entry of ended) this.#state.extend(entry, monotonicMs + RETRY_MS);
      plan.fail(error);
      return;
    }
    applyOps(this.#state, plan.ops, nowMs);
    for (const entry of plan.entries) this.#leasing.settled(entry.sequence);
    durable.then(
      () => plan.succeed(),
      (error: unknown) => {
        plan.fail(error);
        this.#broke(error);
      },
    );
  }

  /** Nobody saw them, so the attempt does not count. */
  #giveBack(leases: readonly Lease[]): void {
    const fate = { kind: "release", delayMs: 0, countAttempt: false, cause: undefined } as const;
    const call = new PendingCall<void>(leases.length);
    for (const [index, lease] of leases.entries()) this.settle({ lease, fate, call, index });
  }

  #loadHeldBack(): void {
    if (this.#loading || this.#journal.heldBack === 0) return;
    if (this.#state.count("waiting") >= READY_LOW) return;
    this.#loading = true;
    const add = (entries: readonly NewEntry[]): void => {
      const nowMs = this.#clock.now();
      for (const entry of entries) this.#state.add(entry, nowMs);
    };
    this.#journal.loadHeldBack(add).then(
      () => {
        this.#loading = false;
        this.#wake();
      },
      (error: unknown) => {
        this.#loading = false;
        this.#leasing.fail(error);
      },
    );
  }

  /** Buries what was leased for the last time, and not settled, when the process ended. */
  #buryExhausted(unsettled: readonly QueueEntry[]): void {
    const deadMs = this.#clock.now();
    const dead: [number, number, string, string][] = [];
    for (const entry of unsettled) {
      if (!this.#state.exhausted(entry)) continue;
      const { code, message } = leaseEndedCause(entry.attempts);
      dead.push([entry.sequence, deadMs, code, message]);
    }
    if (dead.length === 0) return;
    const ops: QueueOps = { dead };
    try {
      this.#journal.record(ops).catch((error: unknown) => this.#broke(error, RECOVER_AGAIN_MS));
    } catch (error) {
      this.#leasing.fail(error);
      return;
    }
    applyOps(this.#state, ops, deadMs);
  }

  /**
   * A write failed after the state had changed: back to what the journal tells. Where that makes the
   * same write again, it must wait, or a full disk would keep the process busy with nothing else.
   */
  #broke(error: unknown, waitMs = 0): void {
    if (this.#recovering || this.#closed !== undefined) return;
    if (!isMillraceError(error) || !error.retryable) {
      this.#leasing.fail(error);
      return;
    }
    this.#recovering = true;
    if (waitMs === 0) void this.#recover();
    else this.#recoverTimer = this.#clock.after(waitMs, () => void this.#recover());
  }

  async #recover(): Promise<void> {
    try {
      const { state, unsettled } = await this.#journal.recover(rulesOf(this.#spec));
      this.#state = state;
      this.#leasing.reset();
      this.#recovering = false;
      this.#buryExhausted(unsettled);
      this.#wake();
    } catch (failure) {
      this.#failBuffers(failure);
      this.#leasing.fail(failure);
      if (this.#closed !== undefined) return;
      this.#recoverTimer = this.#clock.after(RECOVER_AGAIN_MS, () => void this.#recover());
    }
  }

  #failBuffers(error: unknown): void {
    this.#sending.failAll(error);
    for (const { call, index } of this.#settlements.splice(0)) call.fail(index, error);
    for (const change of this.#changes.splice(0)) change.fail(error);
  }

  #schedule(nowMs: number, monotonicMs: number): void {
    const { nextRipeMs, nextEndMs } = this.#state;
    const ripensIn = nextRipeMs === undefined ? Infinity : nextRipeMs - nowMs;
    const endsIn = nextEndMs === undefined ? Infinity : nextEndMs - monotonicMs;
    const inMs = Math.max(0, Math.min(ripensIn, endsIn));
    if (inMs !== Infinity) this.#wakeIn(inMs);
  }

  /** Keeps one timer, for the earliest moment asked; an early turn does no harm. */
  #wakeIn(ms: number): void {
    const dueMs = this.#clock.monotonic() + Math.min(ms, TIMER_MS_MAX);
    if (dueMs >= this.#timerDueMs) return;
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.after(dueMs - this.#clock.monotonic(), () => {
      this.#timer = undefined;
      this.#timerDueMs = Infinity;
      this.#wake();
    });
  }
}

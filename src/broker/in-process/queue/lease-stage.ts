/**
 * The leasing stage of a queue's turn: gives ready messages to the receivers that ask.
 *
 * A group of leases is *coming* from the moment it is written until the record is durable and the
 * messages are at hand; then it is delivered. A lease that ended meanwhile is left out, and a group
 * whose receiver closed meanwhile is given back without counting the attempt, since nobody saw it.
 */

import { isMillraceError } from "../../../model/errors.ts";
import type { RawMessage } from "../../../model/message.ts";
import type { QueueEntry, QueueState } from "../../queue-state.ts";
import type { Lease, QueueSpec } from "../../queues.ts";
import { LocalReceiver } from "./local-receiver.ts";
import type { QueueJournal } from "./queue-journal.ts";

export interface LeaseStageOptions {
  readonly queue: string;
  readonly journal: QueueJournal;
  /** Gives back leases that nobody saw. */
  readonly giveBack: (leases: readonly Lease[]) => void;
  /** Asks for a turn after some milliseconds: the journal takes nothing for now. */
  readonly wakeIn: (ms: number) => void;
  /** Tells that leases were written and that the write then failed. */
  readonly broke: (error: unknown) => void;
}

interface Group {
  readonly receiver: LocalReceiver;
  readonly entries: readonly QueueEntry[];
  readonly tokens: readonly string[];
  readonly endsMs: number;
}

const LEASE_MS = 30_000;
/** Leases that one receiver gets at most in one group. */
const GROUP_COUNT_MAX = 5_000;
/** How long to wait before asking a journal again that refused for now. */
const RETRY_MS = 100;
/**
 * After leases that the disk refused, nothing is leased for so long: the queue recovers at once, and
 * the same leases would be refused again, on and on, while the process does nothing else.
 */
const REST_MS = 1_000;

export class LeaseStage {
  readonly #options: LeaseStageOptions;
  readonly #receivers = new Set<LocalReceiver>();
  /** Who holds the lease of a sequence. */
  readonly #holders = new Map<number, LocalReceiver>();
  #leaseCount = 0;
  #restsUntilMs = -Infinity;
  #lastDelivery: Promise<void> = Promise.resolve();

  constructor(options: LeaseStageOptions) {
    this.#options = options;
  }

  /** Settles when the groups taken so far are delivered or given back. */
  get lastDelivery(): Promise<void> {
    return this.#lastDelivery;
  }

  add(receiver: LocalReceiver): void {
    this.#receivers.add(receiver);
  }

  remove(receiver: LocalReceiver): void {
    this.#receivers.delete(receiver);
  }

  /** The lease of the sequence is over: its receiver has credit again. */
  settled(sequence: number): void {
    const receiver = this.#holders.get(sequence);
    if (receiver === undefined) return;
    this.#holders.delete(sequence);
    receiver.held--;
  }

  /** Every lease is lost: the state was recovered from the journal. */
  reset(): void {
    this.#holders.clear();
    for (const receiver of this.#receivers) receiver.reset();
  }

  /** Ends every iteration with `error`. */
  fail(error: unknown): void {
    for (const receiver of this.#receivers) receiver.fail(error);
  }

  close(): void {
    for (const receiver of this.#receivers) void receiver.close();
  }

  run(state: QueueState, spec: QueueSpec, time: { nowMs: number; monotonicMs: number }): void {
    const restMs = this.#restsUntilMs - time.monotonicMs;
    if (restMs > 0) {
      this.#options.wakeIn(restMs);
      return;
    }
    const groups = this.#take(state, spec, time);
    if (groups.length === 0) return;
    const { journal, broke } = this.#options;
    let durable: Promise<void>;
    try {
      durable = journal.record({
        lease: groups.flatMap(({ entries }) => entries.map(({ sequence }) => sequence)),
      });
    } catch (error) {
      for (const { entries } of groups) {
        for (const entry of entries) {
          const { readyMs } = entry;
          state.release(entry, { readyMs, nowMs: time.nowMs, countAttempt: false });
        }
      }
      if (isMillraceError(error) && error.retryable) this.#options.wakeIn(RETRY_MS);
      else this.fail(error);
      return;
    }
    for (const { receiver, entries } of groups) {
      receiver.expect(entries.length);
      for (const { sequence } of entries) this.#holders.set(sequence, receiver);
      // To the end of the line: the next turn begins with those who got nothing.
      if (this.#receivers.delete(receiver)) this.#receivers.add(receiver);
    }
    const delivered = durable.then(
      async () => {
        for (const reading of groups.map((group) => this.#deliver(group))) await reading;
      },
      (error: unknown) => {
        this.#restsUntilMs = time.monotonicMs + REST_MS;
        broke(error);
      },
    );
    this.#lastDelivery = Promise.all([this.#lastDelivery, delivered]).then(() => {});
  }

  /** Takes ready messages in equal shares for the receivers that ask. */
  #take(
    state: QueueState,
    spec: QueueSpec,
    { nowMs, monotonicMs }: { nowMs: number; monotonicMs: number },
  ): Group[] {
    const asking = [...this.#receivers].filter((receiver) => receiver.wanted > 0);
    const share = Math.ceil(state.count("waiting") / asking.length);
    const { leaseMs = LEASE_MS } = spec;
    const groups: Group[] = [];
    for (const receiver of asking) {
      const entries: QueueEntry[] = [];
      const tokens: string[] = [];
      const count = Math.min(receiver.wanted, share, GROUP_COUNT_MAX);
      while (entries.length < count) {
        const entry = state.peekReady();
        if (entry === undefined) break;
        const token = `${this.#options.journal.generation}-${++this.#leaseCount}`;
        state.take(entry, { token, endsMs: monotonicMs + leaseMs });
        entries.push(entry);
        tokens.push(token);
      }
      if (entries.length === 0) break;
      groups.push({ receiver, entries, tokens, endsMs: nowMs + leaseMs });
    }
    return groups;
  }

  /** Hands over at once where the messages are at hand. */
  #deliver(group: Group): Promise<void> | undefined {
    const { entries, receiver } = group;
    const messages: RawMessage[] = [];
    for (const { message } of entries) if (message !== undefined) messages.push(message);
    if (messages.length === entries.length) {
      this.#handOver(group, messages);
      return undefined;
    }
    const { journal } = this.#options;
    const reads = entries.map(async (entry) => entry.message ?? journal.readMessage(entry));
    return Promise.all(reads).then(
      (read) => this.#handOver(group, read),
      (error: unknown) => {
        receiver.deliver([], entries.length);
        receiver.fail(error);
      },
    );
  }

  #handOver({ receiver, entries, tokens, endsMs }: Group, messages: readonly RawMessage[]): void {
    const { queue, journal, giveBack } = this.#options;
    const leases: Lease[] = [];
    for (let i = 0; i < entries.length; i++) {
      const entry = entries[i]!;
      const token = tokens[i]!;
      if (entry.token !== token) continue;
      const { sequence, attempts: attempt, sentMs } = entry;
      leases.push({ queue, sequence, message: messages[i]!, attempt, sentMs, endsMs, token });
      journal.forgetMessage(entry);
    }
    if (!receiver.deliver(leases, entries.length)) giveBack(leases);
  }
}

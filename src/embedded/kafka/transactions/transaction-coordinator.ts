/**
 * Transactions at work: the machine's states made durable, markers written, offsets made positions.
 *
 * The end of a transaction is three durable steps: its direction is decided (the state log); every
 * partition gets its marker (their logs); the transaction is complete, and the offsets in it are positions
 * of their groups (one append to the state log). A crash between them is finished at the next opening:
 * a marker that is written twice ends nothing twice.
 *
 * Requests for one transactional id run one after another, so a state is never changed behind the back
 * of a request that waits for the disk.
 */

import type { Timer } from "../../../model/clock.ts";
import type { StoredPosition } from "../../../broker/in-process/stream/stream-storage.ts";
import type { Engine } from "../../engine.ts";
import { ERROR } from "../error-codes.ts";
import type { Topics } from "../topics/topics.ts";
import type { ProducerIds } from "./producer-ids.ts";
import { idOfTransaction, TRANSACTION_PREFIX, transactionKey } from "./transaction-key.ts";
import {
  add,
  complete,
  covers,
  end,
  expire,
  init,
  type InitStep,
  type Producer,
} from "./transaction-machine.ts";
import type { TransactionOffsets } from "./transaction-offsets.ts";
import {
  decodeTransaction,
  encodeTransaction,
  isEnding,
  type TransactionPartition,
  type TransactionState,
} from "./transaction-state.ts";
import { writeMarker } from "./write-marker.ts";

export interface TransactionSettings {
  readonly timeoutMsMax: number;
  /** How often transactions that are open for too long are looked for, while any is open. */
  readonly expiryCheckMs: number;
  /** A transactional id that nobody uses is forgotten after so long. */
  readonly idleKeepMs: number;
}

export interface CoordinatorOptions {
  readonly engine: Engine;
  readonly topics: Topics;
  readonly producerIds: ProducerIds;
  readonly offsets: TransactionOffsets;
  readonly settings: TransactionSettings;
}

export type ProducerAnswer = Producer & { readonly error: number };

const NOBODY: Producer = { producerId: -1, epoch: -1 };

/** What a partition has open and the state log does not know. */
interface Orphan {
  readonly producer: Producer;
  readonly place: TransactionPartition;
}

export class TransactionCoordinator {
  readonly #options: CoordinatorOptions;
  readonly #states = new Map<string, TransactionState>();
  /** The last request for each id that is under way. */
  readonly #turns = new Map<string, Promise<unknown>>();
  /** Open transactions in partitions that could not be ended yet, and that nobody else will end. */
  readonly #orphans = new Set<Orphan>();
  #timer: { readonly timer: Timer; readonly soon: boolean } | undefined;
  /** The last look for what has been open for too long. */
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(options: CoordinatorOptions) {
    this.#options = options;
    for (const [key, value] of options.engine.state.entries(TRANSACTION_PREFIX)) {
      this.#states.set(idOfTransaction(key), decodeTransaction(value));
    }
  }

  /**
   * Ends what a crash left half ended. Serve nobody before it resolves.
   *
   * A partition may have an open transaction of which the state log does not know: its batch was
   * durable, its joining was not. It joins now; where its producer has gone on since, it is aborted, or
   * nobody would ever read behind it.
   */
  async recover(): Promise<void> {
    for (const topic of this.#options.topics.all()) {
      for (const [partition, log] of topic.partitions.entries()) {
        for (const { id: producerId, epoch, openFrom } of log.knownProducers()) {
          if (openFrom === undefined) continue;
          const orphan = {
            producer: { producerId, epoch },
            place: { topic: topic.name, partition },
          };
          if (!(await this.#adopt(orphan))) await this.#abandon(orphan);
        }
      }
    }
    for (const [id, state] of Array.from(this.#states)) {
      if (isEnding(state)) await this.#turn(id, () => this.#finish(id, state));
    }
    this.#arm();
  }

  get states(): ReadonlyMap<string, TransactionState> {
    return this.#states;
  }

  /** Whether the partition is in the producer's transaction, as an error code. */
  covers(id: string, producer: Producer, partition: TransactionPartition): number {
    return covers(this.#states.get(id), producer, partition);
  }

  /**
   * Whether a batch may be appended there, told at once so that batches keep their order. With `adds`
   * the partition joins the transaction by this very batch (KIP-890): then the batch is answered when
   * `durable` has resolved, too. A crash that loses the one and not the other is found by `recover`.
   */
  admit(
    id: string,
    producer: Producer,
    partition: TransactionPartition,
    { adds }: { readonly adds: boolean },
  ): { readonly error: number; readonly durable?: Promise<void> } {
    const state = this.#states.get(id);
    const error = covers(state, producer, partition);
    if (error === ERROR.NONE || !adds) return { error };
    if (this.#turns.has(id)) return { error: ERROR.CONCURRENT_TRANSACTIONS };
    const step = add(state, producer, { partitions: [partition], nowMs: this.#nowMs });
    if (step.next === undefined) return { error: step.error };
    this.#states.set(id, step.next);
    this.#arm();
    return { error: ERROR.NONE, durable: this.#keep(id, step.next) };
  }

  init(
    id: string,
    { timeoutMs, known }: { readonly timeoutMs: number; readonly known: Producer | undefined },
  ): Promise<ProducerAnswer> {
    if (timeoutMs <= 0 || timeoutMs > this.#options.settings.timeoutMsMax) {
      return Promise.resolve({ error: ERROR.INVALID_TRANSACTION_TIMEOUT, ...NOBODY });
    }
    return this.#turn(id, async () => {
      const freshId = await this.#options.producerIds.newId();
      const state = this.#states.get(id);
      const step: InitStep = init(state, { timeoutMs, known, freshId, nowMs: this.#nowMs });
      if (step.next !== undefined) await this.#put(id, step.next);
      if (step.next !== undefined && isEnding(step.next)) {
        // The client asks again; by then the transaction of its predecessor is over.
        await this.#finish(id, step.next);
      }
      this.#arm();
      return this.#answer(id, step.error);
    });
  }

  add(
    id: string,
    producer: Producer,
    what: {
      readonly partitions?: readonly TransactionPartition[];
      readonly groups?: readonly string[];
    },
  ): Promise<number> {
    return this.#turn(id, async () => {
      const step = add(this.#states.get(id), producer, { ...what, nowMs: this.#nowMs });
      if (step.next !== undefined) await this.#put(id, step.next);
      this.#arm();
      return step.error;
    });
  }

  /** Offsets become positions of the group when the transaction commits. */
  commitOffsets(
    id: string,
    producer: Producer,
    { group, positions }: { readonly group: string; readonly positions: readonly StoredPosition[] },
  ): Promise<number> {
    return this.#turn(id, async () => {
      const state = this.#states.get(id);
      const step = add(state, producer, { groups: [group], nowMs: this.#nowMs });
      if (step.error !== ERROR.NONE) return step.error;
      if (step.next !== undefined) await this.#put(id, step.next);
      await this.#options.offsets.add(id, group, positions);
      this.#arm();
      return ERROR.NONE;
    });
  }

  /** `raises`: the client speaks the protocol in which the end raises the epoch. */
  end(
    id: string,
    producer: Producer,
    { committed, raises }: { readonly committed: boolean; readonly raises: boolean },
  ): Promise<ProducerAnswer> {
    return this.#turn(id, async () => {
      const freshId = raises ? await this.#options.producerIds.newId() : -1;
      const request = { committed, raises, freshId, nowMs: this.#nowMs };
      const step = end(this.#states.get(id), producer, request);
      if (step.next !== undefined) await this.#put(id, step.next);
      if (step.next !== undefined && isEnding(step.next)) await this.#finish(id, step.next);
      return this.#answer(id, step.error);
    });
  }

  /** Resolves when nothing is under way any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.timer.cancel();
    await this.#looking;
    await Promise.allSettled(this.#turns.values());
  }

  get #nowMs(): number {
    return this.#options.engine.environment.clock.now();
  }

  #answer(id: string, error: number): ProducerAnswer {
    const { producerId, epoch } = this.#states.get(id) ?? NOBODY;
    return error === ERROR.NONE ? { error, producerId, epoch } : { error, ...NOBODY };
  }

  async #put(id: string, state: TransactionState): Promise<void> {
    await this.#keep(id, state);
    this.#states.set(id, state);
  }

  #keep(id: string, state: TransactionState): Promise<void> {
    return this.#options.engine.state.putAll([[transactionKey(id), encodeTransaction(state)]]);
  }

  /** Whether it is in a transaction that will be ended. */
  async #adopt({ producer, place }: Orphan): Promise<boolean> {
    const owner = [...this.#states].find(([, state]) => state.producerId === producer.producerId);
    if (owner === undefined) return false;
    const [id, state] = owner;
    const known = state.partitions.some(
      ({ topic, partition }) => topic === place.topic && partition === place.partition,
    );
    if (known) return true;
    // The markers of a transaction that is being ended bear its own epoch or the next.
    const ends = isEnding(state) && state.epoch - producer.epoch <= 1;
    const joined = ends ? { ...state, partitions: [...state.partitions, place] } : undefined;
    const next = joined ?? add(state, producer, { partitions: [place], nowMs: this.#nowMs }).next;
    if (next === undefined) return false;
    await this.#put(id, next);
    return true;
  }

  /** Aborts what nobody will end. What fails is tried again with the next look for old ones. */
  async #abandon(orphan: Orphan): Promise<void> {
    const { producer, place } = orphan;
    const { producerId, epoch: producerEpoch } = producer;
    try {
      await writeMarker(this.#options.topics, place, { producerId, producerEpoch, kind: "abort" });
      this.#orphans.delete(orphan);
    } catch (error) {
      this.#orphans.add(orphan);
      this.#report({ ...place, producer: producerId }, error);
    }
  }

  /** Writes the markers, then completes. What fails is tried again with the next look for old ones. */
  async #finish(id: string, state: TransactionState): Promise<void> {
    const { engine, topics, offsets } = this.#options;
    const commits = state.status === "prepare-commit";
    try {
      await Promise.all(
        state.partitions.map((partition) =>
          writeMarker(topics, partition, {
            producerId: state.producerId,
            producerEpoch: state.epoch,
            kind: commits ? "commit" : "abort",
          }),
        ),
      );
      const completed = complete(state, this.#nowMs);
      await engine.streamStorage.savePositionsWith(commits ? offsets.positionsOf(id) : [], [
        ...offsets.removalsOf(id),
        [transactionKey(id), encodeTransaction(completed)],
      ]);
      offsets.forget(id);
      this.#states.set(id, completed);
    } catch (error) {
      this.#report({ transaction: id }, error);
      this.#arm();
    }
  }

  #turn<Result>(id: string, work: () => Promise<Result>): Promise<Result> {
    const before = this.#turns.get(id) ?? Promise.resolve();
    const turn = before.then(work, work);
    this.#turns.set(id, turn);
    const over = (): void => {
      if (this.#turns.get(id) === turn) this.#turns.delete(id);
    };
    turn.then(over, over);
    return turn;
  }

  #report(facts: Readonly<Record<string, unknown>>, error: unknown): void {
    this.#options.engine.environment.log.error(
      { ...facts, error: error instanceof Error ? error.message : String(error) },
      "a transaction could not be ended yet; it is tried again",
    );
  }

  /** Sees to it that somebody looks: soon while anything is open, and now and then while none is. */
  #arm(): void {
    if (this.#closed || this.#timer?.soon === true) return;
    const soon =
      this.#orphans.size > 0 ||
      [...this.#states.values()].some((state) => state.status === "ongoing" || isEnding(state));
    if (!soon && (this.#timer !== undefined || this.#states.size === 0)) return;
    this.#timer?.timer.cancel();
    const { clock } = this.#options.engine.environment;
    const { expiryCheckMs, idleKeepMs } = this.#options.settings;
    const timer = clock.after(soon ? expiryCheckMs : idleKeepMs, () => {
      this.#timer = undefined;
      this.#looking = this.#expire()
        .catch((error: unknown) => this.#report({}, error))
        .finally(() => this.#arm());
    });
    this.#timer = { timer, soon };
  }

  async #expire(): Promise<void> {
    const { idleKeepMs } = this.#options.settings;
    for (const orphan of Array.from(this.#orphans)) {
      if (!this.#closed) await this.#abandon(orphan);
    }
    for (const id of Array.from(this.#states.keys())) {
      if (this.#closed) return;
      await this.#turn(id, async () => {
        const state = this.#states.get(id);
        if (state === undefined || this.#closed) return;
        if (isEnding(state)) return this.#finish(id, state);
        const expired = expire(state, this.#nowMs);
        if (expired !== undefined) {
          await this.#put(id, expired);
          await this.#finish(id, expired);
        } else if (state.status !== "ongoing" && this.#nowMs - state.updatedMs > idleKeepMs) {
          await this.#options.engine.state.put(transactionKey(id), undefined);
          this.#states.delete(id);
        }
      });
    }
  }
}

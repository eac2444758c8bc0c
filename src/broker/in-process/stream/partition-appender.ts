/**
 * Gathers the appends of one tick into one log append per partition.
 *
 * The buffer is three parallel arrays (message, call, index in the call) so that a message costs no
 * object of its own. The first push schedules a flush; the flush drops repetitions, hands the rest
 * to the log as one batch (several when large, up to the first that the log refuses), and finishes
 * the calls when the batch is durable.
 * The log does its own group commit, so batches of later ticks join the next sync by themselves.
 *
 * An id enters the window before its record is durable: so its repetition in
 * the next tick is seen. Such a repetition is answered only after the original became durable, and
 * fails when the original does; the id is then taken out of the window again.
 */

import type { RawMessage } from "../../../model/message.ts";
import type { Clock } from "../../../model/clock.ts";
import { dedupeId, type SeenIds } from "../../dedupe-window.ts";
import type { Appended } from "../../streams.ts";
import { stretchEnd } from "../batch-bounds.ts";
import type { PendingCall } from "../pending-call.ts";
import type { RecordLog } from "./record-log.ts";

/** Ids are remembered with their place, packed into one number. Partitions are at most 1,024. */
const PARTITION_SPACE = 1024;

/** Of a message without an id. */
const NO_TICKET = -1;

export const packPlace = (partition: number, offset: number): number =>
  offset * PARTITION_SPACE + partition;

type AppendCall = PendingCall<Appended>;

export interface AppenderOptions {
  readonly partition: number;
  readonly logs: readonly RecordLog[];
  readonly clock: Clock;
  /** Runs the callback at the end of the present tick. */
  readonly defer: (callback: () => void) => void;
  /** The stream's window; undefined without one. Asked at each flush, since it may change. */
  readonly seen: () => SeenIds | undefined;
  /** The last append of each partition, so that a repetition can wait for its original. */
  readonly lastDurable: Promise<void>[];
  /** The log has grown. */
  readonly grown: () => void;
}

export class PartitionAppender {
  readonly #options: AppenderOptions;
  readonly #log: RecordLog;
  #messages: RawMessage[] = [];
  #calls: AppendCall[] = [];
  #indexes: number[] = [];
  #scheduled = false;
  #held = false;

  constructor(options: AppenderOptions) {
    this.#options = options;
    this.#log = options.logs[options.partition]!;
  }

  push(message: RawMessage, call: AppendCall, index: number): void {
    this.#messages.push(message);
    this.#calls.push(call);
    this.#indexes.push(index);
    if (this.#scheduled || this.#held) return;
    this.#scheduled = true;
    this.#options.defer(this.#flush);
  }

  /** Keeps what is pushed until `resume`: the window of ids is being read from the log. */
  hold(): void {
    this.#held = true;
  }

  resume(): void {
    this.#held = false;
    this.#flush();
  }

  /** Fails everything that has not reached the log. */
  failAll(error: unknown): void {
    this.#held = false;
    const waiting = { messages: this.#messages, calls: this.#calls, indexes: this.#indexes };
    this.#messages = [];
    this.#calls = [];
    this.#indexes = [];
    failAll(waiting, error);
  }

  readonly #flush = (): void => {
    this.#scheduled = false;
    if (this.#held || this.#messages.length === 0) return;
    const batch = { messages: this.#messages, calls: this.#calls, indexes: this.#indexes };
    this.#messages = [];
    this.#calls = [];
    this.#indexes = [];
    const seen = this.#options.seen();
    const { length } = batch.messages;
    const messageAt = (index: number): RawMessage => batch.messages[index]!;
    for (let from = 0; from < length;) {
      const to = stretchEnd(from, length, messageAt);
      const part = from === 0 && to === length ? batch : sliceOf(batch, from, to);
      const refusal =
        seen === undefined
          ? this.#append(part, [], undefined).refusal
          : this.#appendUnseen(part, seen);
      // Nothing behind a refused part may be written: `Streams.append` promises it.
      if (refusal !== undefined) return failAll(sliceOf(batch, to, length), refusal.error);
      from = to;
    }
  };

  #appendUnseen(batch: Batch, seen: SeenIds): Refusal | undefined {
    const nowMs = this.#options.clock.now();
    const fresh: Batch = { messages: [], calls: [], indexes: [] };
    const tickets: number[] = [];
    // Repetitions within the batch: answered once the batch's first offset is known.
    const repeats: { position: number; call: AppendCall; index: number }[] = [];
    for (let i = 0; i < batch.messages.length; i++) {
      const message = batch.messages[i]!;
      const call = batch.calls[i]!;
      const index = batch.indexes[i]!;
      const id = dedupeId(message);
      if (id === undefined) {
        tickets.push(NO_TICKET);
      } else {
        // The offset is not known yet: until then the place is the position in the batch, negative.
        const place = seen.remember(id, -1 - fresh.messages.length, nowMs);
        if (place !== undefined) {
          if (place < 0) repeats.push({ position: -1 - place, call, index });
          else this.#answerRepeat(place, call, index);
          continue;
        }
        tickets.push(seen.newest);
      }
      fresh.messages.push(message);
      fresh.calls.push(call);
      fresh.indexes.push(index);
    }
    if (fresh.messages.length === 0) return undefined;
    const { firstOffset, refusal } = this.#append(fresh, tickets, seen);
    for (const { position, call, index } of repeats) {
      const place = packPlace(this.#options.partition, firstOffset + position);
      if (refusal === undefined) this.#answerRepeat(place, call, index);
      else call.fail(index, refusal.error);
    }
    return refusal;
  }

  /** Hands the batch to the log; tells the first offset, or why the log refused it at once. */
  #append(
    { messages, calls, indexes }: Batch,
    tickets: readonly number[],
    seen: SeenIds | undefined,
  ): { readonly firstOffset: number; readonly refusal?: Refusal } {
    const { partition, lastDurable } = this.#options;
    let appended: ReturnType<RecordLog["append"]>;
    try {
      appended = this.#log.append(messages);
    } catch (error) {
      takeBack(tickets, seen);
      failAll({ messages, calls, indexes }, error);
      return { firstOffset: -1, refusal: { error } };
    }
    const { firstOffset, durable } = appended;
    for (let i = 0; i < tickets.length; i++) {
      seen?.place(tickets[i]!, packPlace(partition, firstOffset + i));
    }
    lastDurable[partition] = durable;
    durable.then(
      () => {
        this.#options.grown();
        for (let i = 0; i < calls.length; i++) {
          calls[i]!.succeed(indexes[i]!, { partition, offset: firstOffset + i, duplicate: false });
        }
      },
      (error: unknown) => {
        takeBack(tickets, seen);
        failAll({ messages, calls, indexes }, error);
      },
    );
    return { firstOffset };
  }

  #answerRepeat(place: number, call: AppendCall, index: number): void {
    const partition = place % PARTITION_SPACE;
    const offset = (place - partition) / PARTITION_SPACE;
    const answer = { partition, offset, duplicate: true };
    if (offset < this.#options.logs[partition]!.end) return call.succeed(index, answer);
    this.#options.lastDurable[partition]!.then(
      () => call.succeed(index, answer),
      (error: unknown) => call.fail(index, error),
    );
  }
}

interface Batch {
  readonly messages: RawMessage[];
  readonly calls: AppendCall[];
  readonly indexes: number[];
}

/** Why the log took nothing of a batch. */
interface Refusal {
  readonly error: unknown;
}

function takeBack(tickets: readonly number[], seen: SeenIds | undefined): void {
  for (const ticket of tickets) seen?.takeBack(ticket);
}

function sliceOf({ messages, calls, indexes }: Batch, from: number, to: number): Batch {
  return {
    messages: messages.slice(from, to),
    calls: calls.slice(from, to),
    indexes: indexes.slice(from, to),
  };
}

function failAll({ calls, indexes }: Batch, error: unknown): void {
  for (let i = 0; i < calls.length; i++) calls[i]!.fail(indexes[i]!, error);
}

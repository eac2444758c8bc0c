/**
 * The sending stage of a queue's turn: what waits to be sent becomes one batch in the journal (or
 * several, when large, up to the first that the journal refuses).
 *
 * It keeps the window of ids. Like a stream's, the window is rebuilt from the journal at the first
 * send after opening (sends wait meanwhile), and an id is known from the moment its message is
 * written; a repetition is answered when the original is durable, and fails when it does.
 */

import type { Clock } from "../../../model/clock.ts";
import { MillraceError } from "../../../model/errors.ts";
import type { DedupeWindow } from "../../../model/durability.ts";
import type { RawMessage } from "../../../model/message.ts";
import { dedupeId, SeenIds } from "../../dedupe-window.ts";
import type { QueueState } from "../../queue-state.ts";
import type { QueueSend, QueueSpec, Sent } from "../../queues.ts";
import { stretchEnd } from "../batch-bounds.ts";
import { ownedMessage } from "../owned-message.ts";
import type { PendingCall } from "../pending-call.ts";
import type { JournaledSend, QueueJournal } from "./queue-journal.ts";

export interface WaitingSend {
  readonly item: QueueSend;
  readonly call: PendingCall<Sent>;
  readonly index: number;
}

export interface SendStageOptions {
  readonly journal: QueueJournal;
  readonly clock: Clock;
  readonly dedupe: DedupeWindow | undefined;
  /** Asks for another turn. */
  readonly wake: () => void;
  /** Tells that a batch was written and then failed. */
  readonly broke: (error: unknown) => void;
}

interface Turn {
  readonly state: QueueState;
  readonly spec: QueueSpec;
  readonly nowMs: number;
}

/** Messages of one turn on their way to the journal. */
interface Batch {
  readonly sends: WaitingSend[];
  readonly written: JournaledSend[];
  /** Of the written messages in the window of ids; -1 for one without an id. */
  readonly tickets: number[];
  /** Repetitions of the batch's own messages, by position. */
  readonly repeats: { readonly send: WaitingSend; readonly position: number }[];
}

export class SendStage {
  readonly #options: SendStageOptions;
  #waiting: WaitingSend[] = [];
  #seen: SeenIds | undefined;
  #window: DedupeWindow | undefined;
  #seenState: "unread" | "reading" | "read" = "unread";
  #lastDurable: Promise<void> = Promise.resolve();

  constructor(options: SendStageOptions) {
    this.#options = options;
    this.#window = options.dedupe;
    if (options.dedupe !== undefined) this.#seen = new SeenIds(options.dedupe);
  }

  push(send: WaitingSend): void {
    this.#waiting.push(send);
  }

  configure(window: DedupeWindow | undefined): void {
    this.#window = window;
    if (window === undefined) {
      this.#seen = undefined;
    } else if (this.#seen === undefined) {
      this.#seen = new SeenIds(window);
      this.#seenState = "unread";
    } else {
      this.#seen.configure(window, this.#options.clock.now());
    }
  }

  failAll(error: unknown): void {
    for (const { call, index } of this.#waiting.splice(0)) call.fail(index, error);
  }

  run(state: QueueState, spec: QueueSpec, nowMs: number): void {
    if (this.#waiting.length === 0) return;
    if (this.#seen !== undefined && this.#seenState !== "read") return this.#readRecentIds();
    const waiting = this.#waiting;
    this.#waiting = [];
    const messageAt = (index: number): RawMessage => waiting[index]!.item.message;
    for (let from = 0; from < waiting.length;) {
      const to = stretchEnd(from, waiting.length, messageAt);
      const refusal = this.#send(waiting.slice(from, to), { state, spec, nowMs });
      if (refusal !== undefined) {
        // Nothing behind a refused stretch may be written: `Queues.send` promises it.
        for (const { call, index } of waiting.slice(to)) call.fail(index, refusal.error);
        return;
      }
      from = to;
    }
  }

  /** Writes what is new of the stretch; tells why the journal refused it at once, where it did. */
  #send(waiting: readonly WaitingSend[], turn: Turn): { readonly error: unknown } | undefined {
    const { journal } = this.#options;
    const { state, spec, nowMs } = turn;
    const room = (spec.depthMax ?? Infinity) - state.depth - journal.heldBack;
    const batch = this.#gather(waiting, { spec, room, nowMs });
    if (batch.sends.length === 0) return undefined;
    let sent: ReturnType<QueueJournal["send"]>;
    try {
      sent = journal.send(batch.written, nowMs);
    } catch (error) {
      for (const ticket of batch.tickets) this.#seen?.takeBack(ticket);
      for (const { call, index } of batch.sends) call.fail(index, error);
      for (const { send } of batch.repeats) send.call.fail(send.index, error);
      return { error };
    }
    const { firstSequence, durable } = sent;
    this.#lastDurable = durable;
    for (let i = 0; i < batch.written.length; i++) {
      const sequence = firstSequence + i;
      const { message, readyMs } = batch.written[i]!;
      this.#seen?.place(batch.tickets[i]!, sequence);
      if (journal.holdBack(state, sequence, message)) continue;
      const owned = ownedMessage(message);
      state.add({ sequence, sentMs: nowMs, key: owned.key, readyMs, message: owned }, nowMs);
    }
    this.#answer(batch, firstSequence, durable);
    return undefined;
  }

  /** Sorts what waits into fresh messages, repetitions and messages beyond the depth limit. */
  #gather(
    waiting: readonly WaitingSend[],
    { spec, room, nowMs }: { spec: QueueSpec; room: number; nowMs: number },
  ): Batch {
    const batch: Batch = { sends: [], written: [], tickets: [], repeats: [] };
    let left = room;
    for (const send of waiting) {
      const { message, delayMs = 0 } = send.item;
      const id = this.#seen === undefined ? undefined : dedupeId(message);
      const full = left <= 0;
      // The sequence is not known yet: until then it is the position in the batch, negative.
      const provisional = -1 - batch.sends.length;
      const known =
        id === undefined
          ? undefined
          : full
            ? this.#seen?.find(id, nowMs)
            : this.#seen?.remember(id, provisional, nowMs);
      if (known !== undefined) {
        if (known < 0) batch.repeats.push({ send, position: -1 - known });
        else this.#answerRepeat(send, known, this.#lastDurable);
        continue;
      }
      if (full) {
        send.call.fail(send.index, queueFull(spec));
        continue;
      }
      left--;
      batch.tickets.push(id === undefined || this.#seen === undefined ? -1 : this.#seen.newest);
      batch.sends.push(send);
      batch.written.push({ message, readyMs: delayMs === 0 ? 0 : nowMs + delayMs });
    }
    return batch;
  }

  #answer({ sends, tickets, repeats }: Batch, firstSequence: number, durable: Promise<void>): void {
    const seen = this.#seen;
    durable.then(
      () => {
        for (let i = 0; i < sends.length; i++) {
          const { call, index } = sends[i]!;
          call.succeed(index, { sequence: firstSequence + i, duplicate: false });
        }
      },
      (error: unknown) => {
        for (const ticket of tickets) seen?.takeBack(ticket);
        for (const { call, index } of sends) call.fail(index, error);
        this.#options.broke(error);
      },
    );
    for (const { send, position } of repeats) {
      this.#answerRepeat(send, firstSequence + position, durable);
    }
  }

  #answerRepeat({ call, index }: WaitingSend, sequence: number, after: Promise<void>): void {
    after.then(
      () => call.succeed(index, { sequence, duplicate: true }),
      (error: unknown) => call.fail(index, error),
    );
  }

  #readRecentIds(): void {
    if (this.#seenState === "reading" || this.#window === undefined) return;
    this.#seenState = "reading";
    this.#options.journal.recentIds(this.#window, this.#options.clock.now()).then(
      (ids) => {
        for (const { id, sequence, timeMs } of ids) this.#seen?.remember(id, sequence, timeMs);
        this.#seenState = "read";
        this.#options.wake();
      },
      (error: unknown) => {
        this.#seenState = "unread";
        this.failAll(error);
      },
    );
  }
}

function queueFull({ name, depthMax = 0 }: QueueSpec): MillraceError {
  return new MillraceError(
    "QUEUE_FULL",
    `${name} holds ${depthMax} messages, its limit; let consumers catch up, or raise depthMax`,
    { details: { queue: name, depthMax } },
  );
}

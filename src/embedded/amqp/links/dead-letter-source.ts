/**
 * The dead letters of a queue as the source of a link, in order of their death.
 *
 * A dead letter has no lease: it is shown to one consuming link at a time, which this process remembers. It
 * is discarded when it is accepted; any other outcome leaves it where it is, for another link. A link that
 * browses (distribution-mode `copy`) is shown every letter once, and changes nothing.
 *
 * Letters that die later are found by looking again while there is credit.
 */

import type { LocalQueue } from "../../../broker/in-process/queue/local-queue.ts";
import type { DeadLetter } from "../../../broker/queues.ts";
import type { Clock, Timer } from "../../../model/clock.ts";
import { refusalOf } from "../protocol/conditions.ts";
import { textValue, timestampValue, uintValue } from "../protocol/value-writer.ts";
import { type Annotations, writeMessage } from "../message/outgoing-message.ts";
import type { Item, LinkSource, Sink } from "./link-source.ts";

const LOOK_AGAIN_MS = 500;
const PAGE = 200;

/** The letters of each queue that some link has been shown and not given back. */
export type ShownLetters = Map<string, Set<number>>;

export interface DeadLetterOptions {
  readonly queue: LocalQueue;
  readonly clock: Clock;
  readonly shown: ShownLetters;
  readonly browses: boolean;
  readonly sink: Sink;
}

export class DeadLetterSource implements LinkSource {
  readonly #options: DeadLetterOptions;
  readonly #shown: Set<number>;
  /** What this link has seen: it is shown nothing twice. */
  readonly #seen = new Set<number>();
  #wanted = 0;
  #looking = false;
  #exhausted = false;
  #timer: Timer | undefined;
  #closed = false;

  constructor(options: DeadLetterOptions) {
    this.#options = options;
    const { name } = options.queue.spec;
    this.#shown = options.shown.get(name) ?? new Set();
    options.shown.set(name, this.#shown);
  }

  want(count: number): void {
    this.#wanted = count;
    if (count > 0 && this.#timer === undefined) void this.#look();
  }

  get exhausted(): boolean {
    return this.#exhausted && !this.#looking;
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
  }

  async #look(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      const letters = await this.#next();
      this.#looking = false;
      if (this.#closed) {
        for (const { sequence } of letters) this.#shown.delete(sequence);
        return;
      }
      this.#exhausted = letters.length === 0;
      this.#options.sink.put(letters.map((letter) => this.#itemOf(letter)));
      if (this.#exhausted) this.#lookLater();
    } catch (error) {
      this.#options.sink.fail(refusalOf(error));
    }
  }

  #lookLater(): void {
    this.#timer ??= this.#options.clock.after(LOOK_AGAIN_MS, () => {
      this.#timer = undefined;
      if (!this.#closed && this.#wanted > 0) void this.#look();
    });
  }

  /** Letters that are shown to nobody, and were not to this link. */
  async #next(): Promise<DeadLetter[]> {
    const { queue, browses } = this.#options;
    const wanted = Math.min(this.#wanted, PAGE);
    const found: DeadLetter[] = [];
    for (let after: number | undefined; found.length < wanted;) {
      const page = await queue.deadLetters(after, PAGE);
      for (const letter of page) {
        const { sequence } = letter;
        if (found.length === wanted || this.#seen.has(sequence)) continue;
        if (!browses && this.#shown.has(sequence)) continue;
        this.#seen.add(sequence);
        if (!browses) this.#shown.add(sequence);
        found.push(letter);
      }
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE) break;
      after = last.sequence;
    }
    return found;
  }

  #itemOf(letter: DeadLetter): Item {
    const { queue, clock, browses } = this.#options;
    const { sequence } = letter;
    return {
      write: () =>
        writeMessage(letter.message, {
          attempt: letter.attempts + 1,
          nowMs: clock.now(),
          annotations: annotationsOf(letter),
        }),
      settle: ({ kind }, done) => {
        const settled = (): void => {
          if (!browses) this.#shown.delete(sequence);
          done(undefined);
        };
        if (browses || kind !== "accepted") return settled();
        const sequences = [sequence];
        queue.changeDeadLetters({ kind: "discard", sequences, succeed: settled, fail: done });
      },
      giveBack: () => {
        if (!browses) this.#shown.delete(sequence);
        this.#seen.delete(sequence);
      },
    };
  }
}

function annotationsOf({ queue, cause, deadMs, sentMs, attempts }: DeadLetter): Annotations {
  return [
    ["x-opt-death-reason", textValue(cause.code)],
    ["x-opt-death-description", textValue(cause.message)],
    ["x-opt-death-time", timestampValue(deadMs)],
    ["x-opt-death-attempts", uintValue(attempts)],
    ["x-opt-death-queue", textValue(queue)],
    ["x-opt-enqueued-time", timestampValue(sentMs)],
  ];
}

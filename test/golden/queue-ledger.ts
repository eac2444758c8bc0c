/** A queue that notes beside it what must come back: each message is found by its name. */

import type { Clock } from "../../src/model/clock.ts";
import type { RawMessage } from "../../src/model/message.ts";
import { valuesOf } from "../../src/model/outcome.ts";
import type { DeadLetterCause, Lease, Queues, QueueSpec } from "../../src/broker/queues.ts";
import { goldenCommand } from "./broker-contents.ts";
import type { DeadState, QueueState, WaitingState } from "./broker-state.ts";
import { toForm } from "./message-form.ts";

type Release = Parameters<Queues["release"]>[1];

export class QueueLedger {
  readonly #spec: QueueSpec;
  readonly #clock: Clock;
  #queues: Queues | undefined;
  readonly #sent: QueueState["sent"][number][] = [];
  readonly #waiting = new Map<string, WaitingState>();
  readonly #dead = new Map<string, DeadState>();

  constructor(spec: QueueSpec, clock: Clock) {
    this.#spec = spec;
    this.#clock = clock;
  }

  /** From now on the queue is reached through these. */
  of(queues: Queues): this {
    this.#queues = queues;
    return this;
  }

  /** Waiting messages in the order in which they fall due, those due now by sequence. */
  state(): QueueState {
    const nowMs = this.#clock.now();
    const waiting = [...this.#waiting.values()]
      .map((message) => ({ ...message, dueMs: Math.max(message.dueMs, nowMs) }))
      .toSorted((a, b) => a.dueMs - b.dueMs || a.sequence - b.sequence);
    return { spec: this.#spec, sent: this.#sent, waiting, dead: [...this.#dead.values()] };
  }

  async ensure(): Promise<void> {
    await this.#open().ensureQueue(this.#spec);
  }

  async send(name: string, delayMs?: number): Promise<void> {
    const message = goldenCommand(name);
    const item = delayMs === undefined ? { message } : { message, delayMs };
    const [sent] = valuesOf(await this.#open().send(this.#spec.name, [item]));
    const sequence = sent!.sequence;
    this.#sent.push({ sequence, ...toForm(message) });
    const sentMs = this.#clock.now();
    this.#waiting.set(name, { sequence, attempt: 1, sentMs, dueMs: sentMs + (delayMs ?? 0) });
  }

  async accept(name: string): Promise<void> {
    valuesOf(await this.#open().accept([await this.lease(name)]));
    this.#waiting.delete(name);
  }

  /** Sends messages and accepts them one by one, so that the log grows by what nobody needs. */
  async pass(messages: readonly RawMessage[]): Promise<void> {
    const queues = this.#open();
    const items = messages.map((message) => ({ message }));
    valuesOf(await queues.send(this.#spec.name, items));
    for (let taken = 0; taken < items.length; taken++) {
      valuesOf(await queues.accept(await this.#take()));
    }
  }

  /** Counts the attempt and never settles it. */
  async lease(name: string): Promise<Lease> {
    const lease = (await this.#take())[0]!;
    const waiting = this.#waiting.get(name)!;
    if (lease.sequence !== waiting.sequence) throw new Error(`${name} is not the next message`);
    this.#waiting.set(name, { ...waiting, attempt: waiting.attempt + 1 });
    return lease;
  }

  async release(name: string, options: Release & object): Promise<void> {
    const before = this.#waiting.get(name)!;
    const lease = await this.lease(name);
    await this.#open().release(lease, options);
    const { countAttempt = true, delayMs = 0, cause } = options;
    const dueMs = this.#clock.now() + delayMs;
    const attempt = countAttempt ? before.attempt + 1 : before.attempt;
    this.#waiting.set(name, { ...before, attempt, dueMs });
    if (attempt > this.#spec.attempts!) this.#bury(name, cause!);
  }

  async reject(name: string, cause: DeadLetterCause): Promise<void> {
    await this.#open().reject(await this.lease(name), cause);
    this.#bury(name, cause);
  }

  async redrive(name: string): Promise<void> {
    const { sequence, sentMs } = this.#dead.get(name)!;
    await this.#open().redriveDeadLetters(this.#spec.name, [sequence]);
    this.#dead.delete(name);
    this.#waiting.set(name, { sequence, sentMs, attempt: 1, dueMs: this.#clock.now() });
  }

  async discard(name: string): Promise<void> {
    const { sequence } = this.#dead.get(name)!;
    await this.#open().discardDeadLetters(this.#spec.name, [sequence]);
    this.#dead.delete(name);
  }

  #bury(name: string, cause: DeadLetterCause): void {
    const { sequence, sentMs, attempt } = this.#waiting.get(name)!;
    this.#waiting.delete(name);
    const deadMs = this.#clock.now();
    this.#dead.set(name, { sequence, attempts: attempt - 1, sentMs, deadMs, cause });
  }

  async #take(): Promise<readonly Lease[]> {
    const receiver = await this.#open().receive(this.#spec.name, { credit: 1 });
    const { value } = await receiver[Symbol.asyncIterator]().next();
    await receiver.close();
    return value ?? [];
  }

  #open(): Queues {
    if (this.#queues === undefined) throw new Error(`${this.#spec.name} is not open`);
    return this.#queues;
  }
}

/** The queue port of a broker in this process: one client's view of a `QueueEngine`. */

import { MillraceError } from "../../../model/errors.ts";
import { type Outcome, valuesOf } from "../../../model/outcome.ts";
import type { BrokerCapabilities } from "../../capabilities.ts";
import type {
  DeadLetter,
  DeadLetterCause,
  Lease,
  QueueInfo,
  QueueReceiver,
  Queues,
  QueueSend,
  QueueSpec,
  ReceiveOptions,
  Sent,
} from "../../queues.ts";
import { checkBatchCount, checkDuration, checkWhole } from "../../validate.ts";
import { PendingCall } from "../pending-call.ts";
import type { QueueEngine } from "./queue-engine.ts";
import { type DeadLetterChange, type Fate, leaseLost } from "./settlement.ts";

const PAGE = 100;
const PAGE_MAX = 1_000;
const ACCEPT: Fate = { kind: "accept" };

export class LocalQueues implements Queues {
  readonly capabilities: BrokerCapabilities;
  readonly #engine: QueueEngine;
  readonly #receivers = new Set<QueueReceiver>();
  #closed: MillraceError | undefined;

  constructor(engine: QueueEngine, capabilities: BrokerCapabilities) {
    this.#engine = engine;
    this.capabilities = capabilities;
  }

  async ensureQueue(spec: QueueSpec): Promise<QueueInfo> {
    this.#checkOpen();
    return this.#engine.ensure(spec, this);
  }

  async send(queue: string, items: readonly QueueSend[]): Promise<readonly Outcome<Sent>[]> {
    checkBatchCount(`a send to ${queue}`, items.length);
    const error = this.#closed;
    if (error !== undefined) return items.map(() => ({ ok: false, error }));
    for (const { delayMs } of items) if (delayMs !== undefined) checkDuration("delayMs", delayMs);
    return this.#engine.queue(queue).send(items);
  }

  async receive(queue: string, options: ReceiveOptions): Promise<QueueReceiver> {
    this.#checkOpen();
    checkWhole("credit", options.credit, { min: 1, max: 100_000 });
    const receiver = this.#engine.queue(queue).receive(options);
    this.#receivers.add(receiver);
    return receiver;
  }

  accept(leases: readonly Lease[]): Promise<readonly Outcome<void>[]> {
    const call = new PendingCall<void>(leases.length);
    for (let i = 0; i < leases.length; i++) this.#settle(leases[i]!, ACCEPT, call, i);
    return call.settled;
  }

  async release(
    lease: Lease,
    options: {
      readonly delayMs?: number;
      readonly cause?: DeadLetterCause;
      readonly countAttempt?: boolean;
    } = {},
  ): Promise<void> {
    const { delayMs = 0, cause, countAttempt = true } = options;
    checkDuration("delayMs", delayMs);
    await this.#settled(lease, { kind: "release", delayMs, cause, countAttempt });
  }

  async reject(lease: Lease, cause: DeadLetterCause): Promise<void> {
    await this.#settled(lease, { kind: "reject", cause });
  }

  async extend(lease: Lease, ms: number): Promise<Lease> {
    this.#checkOpen();
    checkDuration("the lease's extension", ms);
    const queue = this.#engine.queues.get(lease.queue);
    if (queue === undefined) throw leaseLost(lease);
    return queue.extend(lease, ms);
  }

  async listDeadLetters(
    queue: string,
    options: { readonly after?: number; readonly limit?: number } = {},
  ): Promise<readonly DeadLetter[]> {
    this.#checkOpen();
    const { after, limit = PAGE } = options;
    checkWhole("limit", limit, { min: 1, max: PAGE_MAX });
    return this.#engine.queue(queue).deadLetters(after, limit);
  }

  async redriveDeadLetters(queue: string, sequences: readonly number[] | "all"): Promise<number> {
    return this.#change(queue, "redrive", sequences);
  }

  async discardDeadLetters(queue: string, sequences: readonly number[] | "all"): Promise<number> {
    return this.#change(queue, "discard", sequences);
  }

  async listQueues(): Promise<readonly QueueInfo[]> {
    this.#checkOpen();
    const names = [...this.#engine.queues.keys()].toSorted((a, b) => (a < b ? -1 : 1));
    return names.map((name) => this.#engine.queue(name).info());
  }

  async describeQueue(queue: string): Promise<QueueInfo> {
    this.#checkOpen();
    return this.#engine.queue(queue).info();
  }

  async deleteQueue(queue: string): Promise<void> {
    this.#checkOpen();
    await this.#engine.remove(queue);
  }

  /** Closes this client's receivers, and removes its temporary queues. Idempotent. */
  async close(): Promise<void> {
    this.#closed ??= new MillraceError("CLOSED", "the broker was closed; open it again");
    await Promise.all([...this.#receivers].map((receiver) => receiver.close()));
    this.#receivers.clear();
    await this.#engine.removeTemporary(this);
  }

  #checkOpen(): void {
    if (this.#closed !== undefined) throw this.#closed;
  }

  #settle(lease: Lease, fate: Fate, call: PendingCall<void>, index: number): void {
    const queue = this.#engine.queues.get(lease.queue);
    if (this.#closed !== undefined) call.fail(index, this.#closed);
    else if (queue === undefined) call.fail(index, leaseLost(lease));
    else queue.settle({ lease, fate, call, index });
  }

  async #settled(lease: Lease, fate: Fate): Promise<void> {
    const call = new PendingCall<void>(1);
    this.#settle(lease, fate, call, 0);
    valuesOf(await call.settled);
  }

  #change(
    queue: string,
    kind: DeadLetterChange["kind"],
    sequences: readonly number[] | "all",
  ): Promise<number> {
    this.#checkOpen();
    const target = this.#engine.queue(queue);
    return new Promise((succeed, fail) => {
      target.changeDeadLetters({ kind, sequences, succeed, fail });
    });
  }
}

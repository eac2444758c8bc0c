/** The queue face of a namespace. */

import type { Outcome } from "../../model/outcome.ts";
import type { BrokerCapabilities } from "../capabilities.ts";
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
} from "../queues.ts";
import { checkName } from "../validate.ts";
import type { NamespaceNames } from "./names.ts";
import type { QuotaMeter } from "./quota.ts";

export class NamespacedQueues implements Queues {
  readonly #below: Queues;
  readonly #names: NamespaceNames;
  readonly #quota: QuotaMeter | undefined;

  constructor(below: Queues, names: NamespaceNames, quota: QuotaMeter | undefined) {
    this.#below = below;
    this.#names = names;
    this.#quota = quota;
  }

  get capabilities(): BrokerCapabilities {
    return this.#below.capabilities;
  }

  async ensureQueue(spec: QueueSpec): Promise<QueueInfo> {
    // Below it would have a good name by its beginning alone.
    checkName("queue", spec.name);
    const info = await this.#below.ensureQueue({ ...spec, name: this.#names.down(spec.name) });
    return named(info, spec.name);
  }

  async send(queue: string, items: readonly QueueSend[]): Promise<readonly Outcome<Sent>[]> {
    const error = await this.#quota?.take(items.length);
    if (error !== undefined) return items.map(() => ({ ok: false, error }));
    return this.#below.send(this.#names.down(queue), items);
  }

  async receive(queue: string, options: ReceiveOptions): Promise<QueueReceiver> {
    const receiver = await this.#below.receive(this.#names.down(queue), options);
    return {
      close: () => receiver.close(),
      async *[Symbol.asyncIterator]() {
        for await (const leases of receiver) yield leases.map((lease) => ({ ...lease, queue }));
      },
    };
  }

  accept(leases: readonly Lease[]): Promise<readonly Outcome<void>[]> {
    return this.#below.accept(leases.map((lease) => this.#leaseBelow(lease)));
  }

  release(
    lease: Lease,
    options?: {
      readonly delayMs?: number;
      readonly cause?: DeadLetterCause;
      readonly countAttempt?: boolean;
    },
  ): Promise<void> {
    return this.#below.release(this.#leaseBelow(lease), options);
  }

  reject(lease: Lease, cause: DeadLetterCause): Promise<void> {
    return this.#below.reject(this.#leaseBelow(lease), cause);
  }

  async extend(lease: Lease, ms: number): Promise<Lease> {
    const extended = await this.#below.extend(this.#leaseBelow(lease), ms);
    return { ...extended, queue: lease.queue };
  }

  async listDeadLetters(
    queue: string,
    options?: { readonly after?: number; readonly limit?: number },
  ): Promise<readonly DeadLetter[]> {
    const letters = await this.#below.listDeadLetters(this.#names.down(queue), options);
    return letters.map((letter) => ({ ...letter, queue }));
  }

  redriveDeadLetters(queue: string, sequences: readonly number[] | "all"): Promise<number> {
    return this.#below.redriveDeadLetters(this.#names.down(queue), sequences);
  }

  discardDeadLetters(queue: string, sequences: readonly number[] | "all"): Promise<number> {
    return this.#below.discardDeadLetters(this.#names.down(queue), sequences);
  }

  async listQueues(): Promise<readonly QueueInfo[]> {
    const all = await this.#below.listQueues();
    return all.flatMap((info) => {
      const name = this.#names.up(info.spec.name);
      return name === undefined ? [] : [named(info, name)];
    });
  }

  async describeQueue(queue: string): Promise<QueueInfo> {
    return named(await this.#below.describeQueue(this.#names.down(queue)), queue);
  }

  deleteQueue(queue: string): Promise<void> {
    return this.#below.deleteQueue(this.#names.down(queue));
  }

  #leaseBelow(lease: Lease): Lease {
    return { ...lease, queue: this.#names.down(lease.queue) };
  }
}

function named(info: QueueInfo, name: string): QueueInfo {
  return { ...info, spec: { ...info.spec, name } };
}

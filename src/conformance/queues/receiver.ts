/** Receiving in cases: one lease after another, whatever groups the broker hands them out in. */

import assert from "node:assert/strict";
import type { DeadLetterCause, Lease, Queues, QueueSpec } from "../../broker/queues.ts";
import { valuesOf } from "../../model/outcome.ts";
import type { BrokerContext } from "../broker-case.ts";
import { textOf } from "../messages.ts";

export const CAUSE: DeadLetterCause = { code: "BROKEN", message: "the handler is broken" };

export interface TestReceiver {
  /** The next lease, waiting for it as long as it takes. */
  take(): Promise<Lease>;
  takeMany(count: number): Promise<Lease[]>;
  /** Leases handed out so far; a wait for more has been begun. */
  arrived(): number;
  close(): Promise<void>;
}

/** Opens a receiver that always asks for more: what keeps a lease back is the broker alone. */
export async function openReceiver(
  queues: Queues,
  queue: string,
  { credit = 1000 }: { readonly credit?: number } = {},
): Promise<TestReceiver> {
  const receiver = await queues.receive(queue, { credit });
  const buffer: Lease[] = [];
  let arrived = 0;
  let wake = Promise.withResolvers<void>();

  const pump = (async (): Promise<void> => {
    for await (const leases of receiver) {
      assert.ok(leases.length > 0, "an empty group of leases");
      arrived += leases.length;
      buffer.push(...leases);
      wake.resolve();
      wake = Promise.withResolvers<void>();
    }
  })();
  let ended = false;
  const end = (): void => {
    ended = true;
    wake.resolve();
  };
  pump.then(end, end);

  const take = async (): Promise<Lease> => {
    for (;;) {
      const lease = buffer.shift();
      if (lease) return lease;
      assert.ok(!ended, "the receiver ended");
      await wake.promise;
    }
  };

  return {
    take,
    takeMany: async (count) => {
      const leases: Lease[] = [];
      while (leases.length < count) leases.push(await take());
      return leases;
    },
    arrived: () => arrived,
    close: async () => {
      await receiver.close();
      await pump;
    },
  };
}

export async function makeQueue(
  { queues, name }: BrokerContext,
  spec: Omit<QueueSpec, "name"> = {},
): Promise<string> {
  const queue = name("desk");
  await queues().ensureQueue({ name: queue, ...spec });
  return queue;
}

/** Accepts and demands that it counted. */
export async function acceptAll(queues: Queues, leases: readonly Lease[]): Promise<void> {
  const outcomes = await queues.accept(leases);
  assert.equal(valuesOf(outcomes).length, leases.length);
}

/** Takes and accepts everything that waits, by way of a last message that marks the end. */
export async function drain(queues: Queues, queue: string, count: number): Promise<string[]> {
  const receiver = await openReceiver(queues, queue);
  const leases = await receiver.takeMany(count);
  await acceptAll(queues, leases);
  await receiver.close();
  return leases.map((lease) => textOf(lease.message));
}

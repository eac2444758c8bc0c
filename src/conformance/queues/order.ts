/** Order per key, where the broker promises it. */

import assert from "node:assert/strict";
import type { Lease } from "../../broker/queues.ts";
import { createSeededRandom } from "../../model/ids.ts";
import { valuesOf } from "../../model/outcome.ts";
import type { BrokerContext, BrokerTopic } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { message, messages, textOf } from "../messages.ts";
import { acceptAll, CAUSE, makeQueue, openReceiver } from "./receiver.ts";

async function send(
  context: BrokerContext,
  queue: string,
  texts: readonly string[],
): Promise<void> {
  const items = texts.map((text) => ({ message: message(text, { key: text.split("-")[0]! }) }));
  valuesOf(await context.queues().send(queue, items));
}

// proves: per-key-order
/** Of many receivers each gives about every third message back. */
function orderWithReceivers(count: number): BrokerTopic["cases"][number] {
  return {
    title: `with ${count} receivers and failures at random each key is accepted in order of sending`,
    needs: ["keyOrder"],
    run: async (context) => {
      const queue = await makeQueue(context, { keyOrder: true, attempts: 1000 });
      const random = createSeededRandom(7);
      const keys = 12;
      const total = 240;
      const texts = Array.from({ length: total }, (_, n) => `k${n % keys}-${Math.floor(n / keys)}`);
      const busy = new Set<string>();
      const accepted: string[] = [];
      const all = Promise.withResolvers<void>();
      const handle = async (lease: Lease): Promise<void> => {
        const text = textOf(lease.message);
        const key = text.split("-")[0]!;
        assert.ok(!busy.has(key), `two messages of ${key} are leased at one time`);
        busy.add(key);
        const settles = random.next() < 0.7;
        // The next lease of the key may come before this call returns.
        busy.delete(key);
        if (!settles) return context.queues().release(lease);
        accepted.push(text);
        await acceptAll(context.queues(), [lease]);
        if (accepted.length === total) all.resolve();
      };
      const receivers = await Promise.all(
        Array.from({ length: count }, () => context.queues().receive(queue, { credit: 5 })),
      );
      const work = receivers.map(async (receiver) => {
        for await (const group of receiver) await Promise.all(group.map(handle));
      });
      await send(context, queue, texts);
      await Promise.race([all.promise, Promise.all(work)]);
      await Promise.all(receivers.map((receiver) => receiver.close()));
      await Promise.all(work);
      const byKey = (list: readonly string[]): string[] =>
        list.toSorted((a, b) => a.split("-")[0]!.localeCompare(b.split("-")[0]!));
      compareLists(context.note, "acceptances", byKey(accepted), byKey(texts));
    },
  };
}

export const keyOrder: BrokerTopic = {
  topic: "order per key",
  cases: [
    {
      title: "one message of a key is leased at a time, other keys go on",
      needs: ["keyOrder"],
      run: async (context) => {
        const queue = await makeQueue(context, { keyOrder: true });
        await send(context, queue, ["a-0", "a-1", "b-0", "a-2", "b-1"]);
        const receiver = await openReceiver(context.queues(), queue);
        const first = await receiver.takeMany(2);
        await send(context, queue, ["c-0"]);
        const marker = await receiver.take();
        const texts = [...first, marker].map((lease) => textOf(lease.message));
        compareLists(context.note, "texts", texts, ["a-0", "b-0", "c-0"]);
        await acceptAll(context.queues(), [first[0]!]);
        assert.equal(textOf((await receiver.take()).message), "a-1");
        await receiver.close();
      },
    },
    {
      title: "a released message comes before later ones of its key, also after a delay",
      needs: ["keyOrder", "delay"],
      run: async (context) => {
        const queue = await makeQueue(context, { keyOrder: true, attempts: 10 });
        await send(context, queue, ["a-0", "a-1"]);
        const receiver = await openReceiver(context.queues(), queue);
        const taken: string[] = [];
        const first = await receiver.take();
        taken.push(textOf(first.message));
        await context.queues().release(first, { delayMs: 5000 });
        await send(context, queue, ["b-0"]);
        const other = await receiver.take();
        taken.push(textOf(other.message));
        await context.time.pass(6000);
        for (let step = 0; step < 2; step++) {
          const lease = await receiver.take();
          taken.push(textOf(lease.message));
          await acceptAll(context.queues(), [lease]);
        }
        compareLists(context.note, "texts", taken, ["a-0", "b-0", "a-0", "a-1"]);
        await receiver.close();
      },
    },
    {
      title: "a message whose lease ended comes before later ones of its key",
      needs: ["keyOrder"],
      run: async (context) => {
        const queue = await makeQueue(context, { keyOrder: true, leaseMs: 1000 });
        await send(context, queue, ["a-0", "a-1"]);
        const slow = await openReceiver(context.queues(), queue);
        await slow.take();
        await slow.close();
        const other = await openReceiver(context.queues(), queue);
        await context.time.pass(1500);
        const taken: string[] = [];
        for (let step = 0; step < 2; step++) {
          const lease = await other.take();
          taken.push(textOf(lease.message));
          await acceptAll(context.queues(), [lease]);
        }
        compareLists(context.note, "texts", taken, ["a-0", "a-1"]);
        await other.close();
      },
    },
    {
      title: "a dead letter lets later messages of its key pass",
      needs: ["keyOrder", "deadLetters"],
      run: async (context) => {
        const queue = await makeQueue(context, { keyOrder: true });
        await send(context, queue, ["a-0", "a-1"]);
        const receiver = await openReceiver(context.queues(), queue);
        await context.queues().reject(await receiver.take(), CAUSE);
        assert.equal(textOf((await receiver.take()).message), "a-1");
        await receiver.close();
      },
    },
    {
      title: "keyless messages do not wait for each other",
      needs: ["keyOrder"],
      run: async (context) => {
        const queue = await makeQueue(context, { keyOrder: true });
        const items = messages(20).map((one) => ({ message: one }));
        valuesOf(await context.queues().send(queue, items));
        const receiver = await openReceiver(context.queues(), queue);
        const taken = await receiver.takeMany(20);
        const texts = taken.map((lease) => textOf(lease.message));
        compareLists(context.note, "texts", texts, messages(20).map(textOf));
        await receiver.close();
      },
    },
    ...[1, 4, 16].map(orderWithReceivers),
  ],
};

/** Leases: handing out, accepting, giving back, running out. */

import assert from "node:assert/strict";
import type { Lease } from "../../broker/queues.ts";
import { valuesOf } from "../../model/outcome.ts";
import type { BrokerContext, BrokerTopic } from "../broker-case.ts";
import { eventually, refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { message, messages, textOf } from "../messages.ts";
import { acceptAll, CAUSE, drain, makeQueue, openReceiver } from "./receiver.ts";

const items = (count: number, stem = "m"): { message: ReturnType<typeof message> }[] =>
  messages(count, { stem }).map((one) => ({ message: one }));

const textsOf = (leases: readonly Lease[]): string[] => leases.map((l) => textOf(l.message));

/** Sends one message, leases it, and lets the lease end. */
async function expiredLease(context: BrokerContext): Promise<{ queue: string; lease: Lease }> {
  const queue = await makeQueue(context, { leaseMs: 1000, attempts: 10 });
  valuesOf(await context.queues().send(queue, items(1)));
  const receiver = await openReceiver(context.queues(), queue);
  const lease = await receiver.take();
  await receiver.close();
  await context.time.pass(1500);
  return { queue, lease };
}

export const leases: BrokerTopic = {
  topic: "leases",
  cases: [
    {
      // proves: removed-on-ack
      title: "a message is leased once, and gone when accepted",
      run: async (context) => {
        const queue = await makeQueue(context);
        const sent = valuesOf(await context.queues().send(queue, items(50)));
        const receiver = await openReceiver(context.queues(), queue);
        const taken = await receiver.takeMany(50);
        assert.ok(taken.every((lease) => lease.attempt === 1 && lease.queue === queue));
        compareLists(
          context.note,
          "sequences",
          taken.map(({ sequence }) => sequence).toSorted((a, b) => a - b),
          sent.map(({ sequence }) => sequence),
        );
        const leased = await context.queues().describeQueue(queue);
        assert.deepEqual([leased.waiting, leased.leased], [0, 50]);
        await acceptAll(context.queues(), taken);
        const after = await context.queues().describeQueue(queue);
        assert.deepEqual([after.waiting, after.leased, after.deadLetters], [0, 0, 0]);
        assert.equal(receiver.arrived(), 50);
        await receiver.close();
      },
    },
    {
      title: "without failures messages come in the order of sending",
      run: async (context) => {
        const queue = await makeQueue(context);
        for (let call = 0; call < 5; call++) {
          valuesOf(await context.queues().send(queue, items(20, `call-${call}`)));
        }
        const expected = Array.from(
          { length: 100 },
          (_, n) => `call-${Math.floor(n / 20)}-${n % 20}`,
        );
        compareLists(context.note, "texts", await drain(context.queues(), queue, 100), expected);
      },
    },
    {
      // proves: competing-consumers
      title: "competing receivers get every message and none twice",
      run: async (context) => {
        const queue = await makeQueue(context);
        const total = 400;
        const taken: string[] = [];
        const all = Promise.withResolvers<void>();
        const receivers = await Promise.all(
          [1, 2, 3, 4].map(() => context.queues().receive(queue, { credit: 10 })),
        );
        const work = receivers.map(async (receiver) => {
          for await (const group of receiver) {
            taken.push(...textsOf(group));
            await acceptAll(context.queues(), group);
            if (taken.length >= total) all.resolve();
          }
        });
        for (let call = 0; call < 8; call++) {
          valuesOf(await context.queues().send(queue, items(50, `call-${call}`)));
        }
        await all.promise;
        await Promise.all(receivers.map((receiver) => receiver.close()));
        await Promise.all(work);
        const expected = Array.from(
          { length: total },
          (_, n) => `call-${Math.floor(n / 50)}-${n % 50}`,
        );
        compareLists(context.note, "texts", taken.toSorted(), expected.toSorted());
      },
    },
    {
      title: "a receiver never holds more unsettled leases than its credit",
      run: async (context) => {
        const queue = await makeQueue(context);
        valuesOf(await context.queues().send(queue, items(200)));
        const receiver = await openReceiver(context.queues(), queue, { credit: 7 });
        const held: Lease[] = [];
        let settled = 0;
        while (settled < 200) {
          if (held.length < 7 && settled + held.length < 200) held.push(await receiver.take());
          await context.time.pass(1);
          assert.ok(
            receiver.arrived() - settled <= 7,
            `${receiver.arrived() - settled} leases held`,
          );
          if (held.length === 7 || settled + held.length === 200) {
            const some = held.splice(0, 3);
            settled += some.length;
            await acceptAll(context.queues(), some);
          }
        }
        assert.equal(receiver.arrived(), 200);
        await receiver.close();
      },
    },
    {
      title: "a waiting receiver gets what is sent",
      run: async (context) => {
        const queue = await makeQueue(context);
        const receiver = await openReceiver(context.queues(), queue, { credit: 1 });
        const taken: string[] = [];
        for (let round = 0; round < 5; round++) {
          const next = receiver.take();
          valuesOf(await context.queues().send(queue, [{ message: message(`round-${round}`) }]));
          const lease = await next;
          taken.push(textOf(lease.message));
          await acceptAll(context.queues(), [lease]);
        }
        compareLists(
          context.note,
          "texts",
          taken,
          [0, 1, 2, 3, 4].map((round) => `round-${round}`),
        );
        await receiver.close();
      },
    },
    {
      title: "a released message comes again with its attempt counted, unless it shall not count",
      needs: ["attemptCount"],
      run: async (context) => {
        const queue = await makeQueue(context, { attempts: 10 });
        const [sent] = valuesOf(await context.queues().send(queue, items(1)));
        const receiver = await openReceiver(context.queues(), queue);
        const attempts: number[] = [];
        for (const countAttempt of [true, true, false, false, true]) {
          const lease = await receiver.take();
          assert.equal(lease.sequence, sent!.sequence);
          attempts.push(lease.attempt);
          await context.queues().release(lease, { countAttempt });
        }
        attempts.push((await receiver.take()).attempt);
        compareLists(context.note, "attempts", attempts, [1, 2, 3, 3, 3, 4]);
        await receiver.close();
      },
    },
    {
      // proves: acknowledgement
      title: "a lease that ends unsettled frees its message for another receiver",
      run: async (context) => {
        const queue = await makeQueue(context, { leaseMs: 1000 });
        const [sent] = valuesOf(await context.queues().send(queue, items(1)));
        const slow = await openReceiver(context.queues(), queue, { credit: 1 });
        const first = await slow.take();
        assert.ok(first.endsMs <= context.time.now() + 1000);
        const other = await openReceiver(context.queues(), queue, { credit: 1 });
        await context.time.pass(700);
        valuesOf(await context.queues().send(queue, items(1, "marker")));
        const marker = await other.take();
        assert.equal(textOf(marker.message), "marker-0", "leased twice at one time");
        await acceptAll(context.queues(), [marker]);
        await slow.close();
        await context.time.pass(700);
        const second = await other.take();
        assert.equal(second.sequence, sent!.sequence);
        assert.notEqual(second.token, first.token);
        if (context.capabilities.levels.attemptCount.level !== "absent") {
          assert.equal(second.attempt, 2);
        }
        await acceptAll(context.queues(), [second]);
        await other.close();
      },
    },
    {
      title: "an ended lease settles nothing: LEASE_LOST, and the message stays",
      run: async (context) => {
        const { queue, lease } = await expiredLease(context);
        const queues = context.queues();
        await refusal(() => queues.accept([lease]), "LEASE_LOST");
        await refusal(() => queues.release(lease), "LEASE_LOST");
        await refusal(() => queues.reject(lease, CAUSE), "LEASE_LOST");
        const { waiting, deadLetters } = await queues.describeQueue(queue);
        assert.deepEqual([waiting, deadLetters], [1, 0]);
        assert.deepEqual(await drain(queues, queue, 1), ["m-0"]);
      },
    },
    {
      title: "a lease that ended does not settle the next lease of the same message",
      run: async (context) => {
        const { queue, lease } = await expiredLease(context);
        const receiver = await openReceiver(context.queues(), queue);
        const next = await receiver.take();
        await refusal(() => context.queues().accept([lease]), "LEASE_LOST");
        await refusal(() => context.queues().release(lease), "LEASE_LOST");
        assert.equal((await context.queues().describeQueue(queue)).leased, 1);
        await acceptAll(context.queues(), [next]);
        await receiver.close();
      },
    },
    {
      title: "of several leases accepted at once only the lost one fails",
      run: async (context) => {
        const queue = await makeQueue(context, { leaseMs: 60_000 });
        valuesOf(await context.queues().send(queue, items(3)));
        const receiver = await openReceiver(context.queues(), queue);
        const three = await receiver.takeMany(3);
        await context.queues().release(three[1]!, { delayMs: 3_600_000 });
        const outcomes = await context.queues().accept(three);
        compareLists(
          context.note,
          "outcomes",
          outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.error.code)),
          ["ok", "LEASE_LOST", "ok"],
        );
        await receiver.close();
      },
    },
    {
      title: "an extended lease lasts to its new end",
      needs: ["leaseExtension"],
      run: async (context) => {
        const queue = await makeQueue(context, { leaseMs: 1000, attempts: 2 });
        valuesOf(await context.queues().send(queue, items(1)));
        const receiver = await openReceiver(context.queues(), queue);
        let lease = await receiver.take();
        for (let round = 0; round < 4; round++) {
          await context.time.pass(700);
          const extended = await context.queues().extend(lease, 1000);
          assert.ok(extended.endsMs > lease.endsMs, "the end moves on");
          lease = extended;
        }
        await acceptAll(context.queues(), [lease]);
        assert.equal(receiver.arrived(), 1);
        await receiver.close();
      },
    },
    {
      title: "an extension does not bring back a lease that ended",
      needs: ["leaseExtension"],
      run: async (context) => {
        const { queue, lease } = await expiredLease(context);
        await refusal(() => context.queues().extend(lease, 1000), "LEASE_LOST");
        assert.deepEqual(await drain(context.queues(), queue, 1), ["m-0"]);
      },
    },
    {
      title: "an extended lease that runs out after all frees its message",
      needs: ["leaseExtension"],
      run: async (context) => {
        const queue = await makeQueue(context, { leaseMs: 1000 });
        valuesOf(await context.queues().send(queue, items(1)));
        const receiver = await openReceiver(context.queues(), queue);
        const lease = await receiver.take();
        await context.queues().extend(lease, 5000);
        await context.time.pass(4000);
        assert.equal(receiver.arrived(), 1);
        await context.time.pass(2000);
        const again = await receiver.take();
        assert.equal(again.sequence, lease.sequence);
        await receiver.close();
      },
    },
    {
      title: "leases given before a receiver closed stay valid, and nothing more is handed out",
      run: async (context) => {
        const queue = await makeQueue(context);
        valuesOf(await context.queues().send(queue, items(10)));
        const receiver = await openReceiver(context.queues(), queue, { credit: 4 });
        const taken = await receiver.takeMany(4);
        await receiver.close();
        await acceptAll(context.queues(), taken);
        const rest = async (): Promise<boolean> =>
          (await context.queues().describeQueue(queue)).waiting === 6;
        await eventually(context, "six messages wait", rest);
        assert.equal(receiver.arrived(), 4);
        const others = await drain(context.queues(), queue, 6);
        const all = [...textsOf(taken), ...others];
        compareLists(context.note, "texts", all.toSorted(), messages(10).map(textOf).toSorted());
      },
    },
    {
      title: "a receiver ends when its signal aborts, also while it waits",
      run: async (context) => {
        const queue = await makeQueue(context);
        const stop = new AbortController();
        const receiver = await context.queues().receive(queue, { credit: 5, signal: stop.signal });
        const iterator = receiver[Symbol.asyncIterator]();
        const waiting = iterator.next();
        stop.abort();
        assert.equal((await waiting).done, true);
        valuesOf(await context.queues().send(queue, items(3)));
        assert.equal((await context.queues().describeQueue(queue)).waiting, 3);
        await receiver.close();
      },
    },
  ],
};

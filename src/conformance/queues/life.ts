/** The life of queues and of the broker that keeps them. */

import assert from "node:assert/strict";
import { valuesOf } from "../../model/outcome.ts";
import type { BrokerContext, BrokerTopic, Fault } from "../broker-case.ts";
import { eventually, refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { messages, textOf } from "../messages.ts";
import { acceptAll, drain, makeQueue, openReceiver } from "./receiver.ts";

const items = (count: number, stem = "m"): { message: ReturnType<typeof messages>[number] }[] =>
  messages(count, { stem }).map((one) => ({ message: one }));

/** What waits, is leased or accepted before the fault is the same after it. */
const keeps = (fault: Fault) => async (context: BrokerContext) => {
  const queue = await makeQueue(context, { attempts: 5, leaseMs: 2000 });
  const sent = valuesOf(await context.queues().send(queue, items(100)));
  const receiver = await openReceiver(context.queues(), queue, { credit: 50 });
  const taken = await receiver.takeMany(50);
  await receiver.close();
  await acceptAll(context.queues(), taken.slice(0, 30));
  const gone = new Set(taken.slice(0, 30).map(({ sequence }) => sequence));
  const leased = new Set(taken.slice(30).map(({ sequence }) => sequence));

  await context.suffer(fault);

  const info = await context.queues().describeQueue(queue);
  assert.deepEqual([info.spec.attempts, info.spec.leaseMs], [5, 2000]);
  assert.equal(info.waiting + info.delayed + info.leased, 70);
  const [next] = valuesOf(await context.queues().send(queue, items(1, "later")));
  assert.ok(next!.sequence > sent.at(-1)!.sequence, "a sequence is not used again");
  await context.time.pass(3000);
  const after = await openReceiver(context.queues(), queue);
  const rest = await after.takeMany(71);
  await acceptAll(context.queues(), rest);
  await after.close();
  const expected = [...sent, next!].map(({ sequence }) => sequence);
  compareLists(
    context.note,
    "sequences",
    rest.map(({ sequence }) => sequence).toSorted((a, b) => a - b),
    expected.filter((sequence) => !gone.has(sequence)),
  );
  if (context.capabilities.levels.attemptCount.level !== "absent") {
    const attempts = rest.filter(({ sequence }) => leased.has(sequence)).map((l) => l.attempt);
    compareLists(
      context.note,
      "attempts of what was leased",
      attempts,
      attempts.map(() => 2),
    );
  }
  const end = await context.queues().describeQueue(queue);
  assert.deepEqual([end.waiting, end.leased, end.deadLetters], [0, 0, 0]);
};

export const life: BrokerTopic = {
  topic: "life of queues",
  cases: [
    {
      title: "ensuring a queue twice finds it, and brings its settings to what is asked",
      run: async (context) => {
        const queue = await makeQueue(context, { attempts: 3 });
        valuesOf(await context.queues().send(queue, items(4)));
        const again = await context.queues().ensureQueue({ name: queue, attempts: 7 });
        assert.deepEqual([again.spec.attempts, again.waiting], [7, 4]);
        assert.equal((await context.queues().describeQueue(queue)).spec.attempts, 7);
      },
    },
    {
      title: "order per key cannot be given to a queue or taken from it",
      needs: ["keyOrder"],
      run: async (context) => {
        const queue = await makeQueue(context, { keyOrder: false });
        await refusal(
          () => context.queues().ensureQueue({ name: queue, keyOrder: true }),
          "STREAM_MISMATCH",
        );
      },
    },
    {
      title: "a temporary queue cannot come to last, nor one that lasts become temporary",
      run: async (context) => {
        const queues = context.queues();
        const lasting = await makeQueue(context);
        await refusal(
          () => queues.ensureQueue({ name: lasting, temporary: true }),
          "STREAM_MISMATCH",
        );
        const passing = context.name("passing");
        await queues.ensureQueue({ name: passing, temporary: true });
        await refusal(() => queues.ensureQueue({ name: passing }), "STREAM_MISMATCH");
        const again = await queues.ensureQueue({ name: passing, temporary: true, attempts: 9 });
        assert.deepEqual([again.spec.temporary, again.spec.attempts], [true, 9]);
      },
    },
    {
      title: "a temporary queue is sent to and received from like any other, and can be deleted",
      run: async (context) => {
        const queue = await makeQueue(context, { temporary: true });
        valuesOf(await context.queues().send(queue, items(10)));
        const texts = await drain(context.queues(), queue, 10);
        const expected = items(10).map(({ message }) => textOf(message));
        compareLists(context.note, "texts", texts, expected);
        await context.queues().deleteQueue(queue);
        await refusal(() => context.queues().describeQueue(queue), "UNKNOWN_QUEUE");
      },
    },
    ...(["restart", "kill"] as const).map((fault) => ({
      title: `a temporary queue is gone after a ${fault}, and its name is free`,
      needs: [fault],
      run: async (context: BrokerContext) => {
        const queue = await makeQueue(context, { temporary: true });
        valuesOf(await context.queues().send(queue, items(4)));
        await context.suffer(fault);
        const queues = context.queues();
        await refusal(() => queues.describeQueue(queue), "UNKNOWN_QUEUE");
        const names = (await queues.listQueues()).map(({ spec }) => spec.name);
        assert.ok(!names.includes(queue), "it is not listed");
        assert.equal((await queues.ensureQueue({ name: queue })).waiting, 0);
      },
    })),
    {
      title: "a queue is listed while it exists, and unknown once deleted",
      run: async (context) => {
        const queue = await makeQueue(context);
        valuesOf(await context.queues().send(queue, items(4)));
        const listed = async (): Promise<number> =>
          (await context.queues().listQueues()).filter(({ spec }) => spec.name === queue).length;
        assert.equal(await listed(), 1);
        await context.queues().deleteQueue(queue);
        assert.equal(await listed(), 0);
        const queues = context.queues();
        await refusal(() => queues.describeQueue(queue), "UNKNOWN_QUEUE");
        await refusal(() => queues.send(queue, items(1)), "UNKNOWN_QUEUE");
        await refusal(() => queues.receive(queue, { credit: 1 }), "UNKNOWN_QUEUE");
        await refusal(() => queues.listDeadLetters(queue), "UNKNOWN_QUEUE");
        await refusal(() => queues.deleteQueue(queue), "UNKNOWN_QUEUE");
        await queues.ensureQueue({ name: queue });
        assert.equal((await queues.describeQueue(queue)).waiting, 0);
      },
    },
    {
      title: "queues do not mix",
      run: async (context) => {
        const one = await makeQueue(context);
        const two = await makeQueue(context);
        valuesOf(await context.queues().send(one, items(10, "one")));
        valuesOf(await context.queues().send(two, items(10, "two")));
        const texts = await drain(context.queues(), two, 10);
        compareLists(
          context.note,
          "texts",
          texts,
          items(10, "two").map((i) => textOf(i.message)),
        );
        assert.equal((await context.queues().describeQueue(one)).waiting, 10);
      },
    },
    {
      title: "a description counts what waits, is delayed, leased and dead, and the oldest",
      run: async (context) => {
        const queue = await makeQueue(context);
        const before = context.time.now();
        valuesOf(await context.queues().send(queue, items(5)));
        await context.time.pass(2000);
        valuesOf(await context.queues().send(queue, items(5)));
        const info = await context.queues().describeQueue(queue);
        assert.deepEqual(
          [info.waiting, info.delayed, info.leased, info.deadLetters],
          [10, 0, 0, 0],
        );
        assert.ok(info.oldestMs! >= before - 1 && info.oldestMs! <= before + 1999);
        const receiver = await openReceiver(context.queues(), queue, { credit: 5 });
        const taken = await receiver.takeMany(5);
        await receiver.close();
        await acceptAll(context.queues(), taken);
        const younger = async (): Promise<boolean> =>
          (await context.queues().describeQueue(queue)).oldestMs! >= before + 1999;
        await eventually(context, "the oldest is younger", younger);
      },
    },
    {
      title: "a closed broker refuses every call and ends its receivers",
      run: async (context) => {
        const queue = await makeQueue(context);
        valuesOf(await context.queues().send(queue, items(2)));
        const queues = context.queues();
        const receiver = await queues.receive(queue, { credit: 1 });
        const iterator = receiver[Symbol.asyncIterator]();
        const { value } = await iterator.next();
        const waiting = iterator.next();
        waiting.catch(() => {});
        await context.broker().close();
        await Promise.allSettled([waiting]);
        await refusal(() => queues.send(queue, items(1)), "CLOSED");
        await refusal(() => queues.accept(value), "CLOSED");
        await refusal(() => queues.receive(queue, { credit: 1 }), "CLOSED");
        await refusal(() => queues.describeQueue(queue), "CLOSED");
        await refusal(() => queues.ensureQueue({ name: queue }), "CLOSED");
        await context.broker().close();
      },
    },
    {
      // proves: delete-on-consume
      title: "a restart keeps what waits, frees what was leased, and forgets what was accepted",
      needs: ["restart"],
      run: keeps("restart"),
    },
    {
      title: "a kill keeps what waits, frees what was leased, and forgets what was accepted",
      needs: ["kill", "durableSend"],
      run: keeps("kill"),
    },
    {
      title: "a delayed message keeps its moment over a restart",
      needs: ["restart", "delay"],
      run: async (context) => {
        const queue = await makeQueue(context);
        const [late] = items(1, "late");
        valuesOf(await context.queues().send(queue, [{ ...late!, delayMs: 10_000 }]));
        await context.suffer("restart");
        const delayed = async (): Promise<boolean> =>
          (await context.queues().describeQueue(queue)).delayed === 1;
        await eventually(context, "the message is known as delayed", delayed);
        const receiver = await openReceiver(context.queues(), queue);
        valuesOf(await context.queues().send(queue, items(1, "marker")));
        const texts = [textOf((await receiver.take()).message)];
        await context.time.pass(11_000);
        texts.push(textOf((await receiver.take()).message));
        compareLists(context.note, "texts", texts, ["marker-0", "late-0"]);
        await receiver.close();
      },
    },
  ],
};

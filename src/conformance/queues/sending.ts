/** Sending: what it answers, delays, depth, repetition, limits. */

import assert from "node:assert/strict";
import { LIMITS } from "../../model/limits.ts";
import { valuesOf } from "../../model/outcome.ts";
import type { BrokerContext, BrokerTopic, Fault } from "../broker-case.ts";
import { refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { message, messages, plain, textOf } from "../messages.ts";
import { BAD_NAMES, OVERSIZE, peculiarMessages } from "../peculiar.ts";
import { acceptAll, drain, makeQueue, openReceiver } from "./receiver.ts";

const WINDOW = { count: 10_000, ms: 3_600_000 };

const withIds = (count: number): { message: ReturnType<typeof message> }[] =>
  Array.from({ length: count }, (_, n) => ({ message: message(`id-${n}`, { id: `id-${n}` }) }));

const dedupeSurvives = (fault: Fault) => async (context: BrokerContext) => {
  const queue = await makeQueue(context, { dedupe: WINDOW });
  const first = valuesOf(await context.queues().send(queue, withIds(40)));
  await drain(context.queues(), queue, 40);
  await context.suffer(fault);
  const again = valuesOf(await context.queues().send(queue, withIds(40)));
  compareLists(
    context.note,
    "answers",
    again,
    first.map((answer) => ({ ...answer, duplicate: true })),
  );
  assert.equal((await context.queues().describeQueue(queue)).waiting, 0);
};

export const sending: BrokerTopic = {
  topic: "send",
  cases: [
    {
      title: "sequences increase over calls and the lease tells when the message was sent",
      run: async (context) => {
        const queue = await makeQueue(context);
        const sequences: number[] = [];
        const before = context.time.now();
        for (let call = 0; call < 10; call++) {
          const items = messages(3).map((one) => ({ message: one }));
          sequences.push(
            ...valuesOf(await context.queues().send(queue, items)).map((s) => s.sequence),
          );
        }
        const sorted = [...new Set(sequences)].toSorted((a, b) => a - b);
        compareLists(context.note, "sequences", sequences, sorted);
        const receiver = await openReceiver(context.queues(), queue);
        const lease = await receiver.take();
        assert.ok(lease.sentMs >= before - 1 && lease.sentMs <= context.time.now() + 1);
        await receiver.close();
      },
    },
    {
      title: "peculiar keys, headers and values come back as they went in",
      run: async (context) => {
        const queue = await makeQueue(context);
        const sent = peculiarMessages();
        valuesOf(
          await context.queues().send(
            queue,
            sent.map((one) => ({ message: one })),
          ),
        );
        const receiver = await openReceiver(context.queues(), queue);
        const taken = await receiver.takeMany(sent.length);
        compareLists(
          context.note,
          "messages",
          taken.map((lease) => plain(lease.message)),
          sent.map(plain),
        );
        await receiver.close();
      },
    },
    {
      title: "a delayed message waits for its moment while others pass",
      needs: ["delay"],
      run: async (context) => {
        const queue = await makeQueue(context);
        const items = [
          { message: message("late"), delayMs: 5000 },
          { message: message("later"), delayMs: 9000 },
          { message: message("now") },
        ];
        valuesOf(await context.queues().send(queue, items));
        const { waiting, delayed } = await context.queues().describeQueue(queue);
        assert.deepEqual([waiting, delayed], [1, 2]);
        const receiver = await openReceiver(context.queues(), queue);
        const taken = [await receiver.take()];
        await context.time.pass(4000);
        valuesOf(await context.queues().send(queue, [{ message: message("marker") }]));
        taken.push(await receiver.take());
        await context.time.pass(1500);
        taken.push(await receiver.take());
        await context.time.pass(4000);
        taken.push(await receiver.take());
        const texts = taken.map((lease) => textOf(lease.message));
        compareLists(context.note, "texts", texts, ["now", "marker", "late", "later"]);
        assert.ok(taken.every(({ attempt }) => attempt === 1));
        await receiver.close();
      },
    },
    {
      title: "a release with a delay keeps the message back for so long",
      needs: ["delay"],
      run: async (context) => {
        const queue = await makeQueue(context);
        valuesOf(await context.queues().send(queue, [{ message: message("again") }]));
        const receiver = await openReceiver(context.queues(), queue);
        await context.queues().release(await receiver.take(), { delayMs: 3000 });
        assert.equal((await context.queues().describeQueue(queue)).delayed, 1);
        await context.time.pass(2000);
        valuesOf(await context.queues().send(queue, [{ message: message("marker") }]));
        const texts = [textOf((await receiver.take()).message)];
        await context.time.pass(1500);
        texts.push(textOf((await receiver.take()).message));
        compareLists(context.note, "texts", texts, ["marker", "again"]);
        await receiver.close();
      },
    },
    {
      title: "at its depth limit a queue takes no more, until something is accepted",
      run: async (context) => {
        const queue = await makeQueue(context, { depthMax: 5 });
        const items = (count: number): { message: ReturnType<typeof message> }[] =>
          messages(count).map((one) => ({ message: one }));
        const codes = (
          outcomes: Awaited<ReturnType<ReturnType<BrokerContext["queues"]>["send"]>>,
        ) => outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.error.code));
        const first = codes(await context.queues().send(queue, items(7)));
        const five = ["ok", "ok", "ok", "ok", "ok"];
        compareLists(context.note, "first", first, [...five, "QUEUE_FULL", "QUEUE_FULL"]);
        const receiver = await openReceiver(context.queues(), queue, { credit: 2 });
        const taken = await receiver.takeMany(2);
        const leased = codes(await context.queues().send(queue, items(1)));
        compareLists(context.note, "leased messages count", leased, ["QUEUE_FULL"]);
        await receiver.close();
        await acceptAll(context.queues(), taken);
        const second = codes(await context.queues().send(queue, items(3)));
        compareLists(context.note, "second", second, ["ok", "ok", "QUEUE_FULL"]);
      },
    },
    {
      title: "an id that comes again is answered with its first sequence, also after acceptance",
      needs: ["dedupeById"],
      run: async (context) => {
        const queue = await makeQueue(context, { dedupe: WINDOW });
        const first = valuesOf(await context.queues().send(queue, withIds(30)));
        assert.ok(first.every(({ duplicate }) => !duplicate));
        const expected = first.map((answer) => ({ ...answer, duplicate: true }));
        const again = valuesOf(await context.queues().send(queue, withIds(30)));
        compareLists(context.note, "while they wait", again, expected);
        assert.equal((await drain(context.queues(), queue, 30)).length, 30);
        const third = valuesOf(await context.queues().send(queue, withIds(30)));
        compareLists(context.note, "after acceptance", third, expected);
        assert.equal((await context.queues().describeQueue(queue)).waiting, 0);
      },
    },
    {
      title: "an id is forgotten after the window's time",
      needs: ["dedupeById"],
      run: async (context) => {
        const queue = await makeQueue(context, { dedupe: { count: 1000, ms: 5000 } });
        await context.queues().send(queue, withIds(10));
        await context.time.pass(6000);
        const after = valuesOf(await context.queues().send(queue, withIds(10)));
        assert.ok(after.every(({ duplicate }) => !duplicate));
        assert.equal((await context.queues().describeQueue(queue)).waiting, 20);
      },
    },
    {
      title: "a restart does not forget ids",
      needs: ["dedupeById", "restart"],
      run: dedupeSurvives("restart"),
    },
    {
      title: "a kill does not forget ids of what was acknowledged",
      needs: ["dedupeById", "durableSend", "kill"],
      run: dedupeSurvives("kill"),
    },
    {
      title: "a message over a limit is refused alone, its neighbours are sent",
      run: async (context) => {
        for (const [what, oversize] of OVERSIZE) {
          const queue = await makeQueue(context);
          const items = [message("a"), oversize, message("b")].map((one) => ({ message: one }));
          const outcomes = await context.queues().send(queue, items);
          const codes = outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.error.code));
          compareLists(context.note, what, codes, ["ok", "TOO_LARGE", "ok"]);
          compareLists(context.note, what, await drain(context.queues(), queue, 2), ["a", "b"]);
        }
      },
    },
    {
      title: "a call with too many messages is refused whole",
      run: async (context) => {
        const queue = await makeQueue(context);
        const many = messages(LIMITS.batchCountMax + 1).map((one) => ({ message: one }));
        await refusal(() => context.queues().send(queue, many), "TOO_LARGE");
        assert.equal((await context.queues().describeQueue(queue)).waiting, 0);
      },
    },
    {
      title: "bad names, and settings out of range, are refused",
      run: async ({ queues, name }) => {
        const bad = [
          ...BAD_NAMES.map((badName) => ({ name: badName })),
          { name: name("desk"), attempts: 0 },
          { name: name("desk"), attempts: 1.5 },
          { name: name("desk"), leaseMs: 0 },
          { name: name("desk"), depthMax: -1 },
        ];
        for (const spec of bad) {
          await refusal(() => queues().ensureQueue(spec), "BAD_DECLARATION", "BAD_ARGUMENT");
        }
      },
    },
  ],
};

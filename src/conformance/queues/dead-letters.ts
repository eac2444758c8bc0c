/** Dead letters: how a message gets there, with what cause, and how it comes back. */

import assert from "node:assert/strict";
import type { DeadLetter } from "../../broker/queues.ts";
import { valuesOf } from "../../model/outcome.ts";
import type { BrokerContext, BrokerTopic } from "../broker-case.ts";
import { eventually } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { message, messages, plain, textOf } from "../messages.ts";
import { peculiarMessages } from "../peculiar.ts";
import { acceptAll, CAUSE, drain, makeQueue, openReceiver } from "./receiver.ts";

/** A queue in which `count` messages were rejected one after another, and none waits. */
async function queueOfDead(context: BrokerContext, count: number): Promise<string> {
  const queue = await makeQueue(context);
  const sent = messages(count, { stem: "dead" }).map((one) => ({ message: one }));
  valuesOf(await context.queues().send(queue, sent));
  const receiver = await openReceiver(context.queues(), queue);
  for (const lease of await receiver.takeMany(count)) {
    await context.queues().reject(lease, { ...CAUSE, message: `because of ${lease.sequence}` });
  }
  await receiver.close();
  return queue;
}

const textsOf = (letters: readonly DeadLetter[]): string[] => letters.map((l) => textOf(l.message));

export const deadLetters: BrokerTopic = {
  topic: "dead letters",
  cases: [
    {
      title: "a rejected message is a dead letter at once, whole and with its cause",
      needs: ["deadLetters"],
      run: async (context) => {
        const queue = await makeQueue(context);
        const sent = peculiarMessages();
        const before = context.time.now();
        valuesOf(
          await context.queues().send(
            queue,
            sent.map((one) => ({ message: one })),
          ),
        );
        const receiver = await openReceiver(context.queues(), queue);
        for (const lease of await receiver.takeMany(sent.length)) {
          await context.queues().reject(lease, CAUSE);
        }
        const letters = await context.queues().listDeadLetters(queue);
        compareLists(
          context.note,
          "messages",
          letters.map((letter) => plain(letter.message)),
          sent.map(plain),
        );
        for (const letter of letters) {
          assert.deepEqual([letter.queue, letter.attempts, letter.cause], [queue, 1, CAUSE]);
          assert.ok(letter.sentMs >= before - 1 && letter.deadMs >= letter.sentMs);
        }
        const { waiting, leased, deadLetters } = await context.queues().describeQueue(queue);
        assert.deepEqual([waiting, leased, deadLetters], [0, 0, sent.length]);
        assert.equal(receiver.arrived(), sent.length);
        await receiver.close();
      },
    },
    {
      // proves: acknowledgement
      title: "a message that is released at its last attempt enters the dead letters exactly once",
      needs: ["deadLetters", "attemptCount"],
      run: async (context) => {
        const queue = await makeQueue(context, { attempts: 3 });
        valuesOf(await context.queues().send(queue, [{ message: message("doomed") }]));
        const receiver = await openReceiver(context.queues(), queue);
        for (let attempt = 1; attempt <= 3; attempt++) {
          const lease = await receiver.take();
          assert.equal(lease.attempt, attempt);
          assert.equal((await context.queues().listDeadLetters(queue)).length, 0);
          await context.queues().release(lease, { cause: CAUSE });
        }
        const letters = await context.queues().listDeadLetters(queue);
        compareLists(context.note, "dead letters", textsOf(letters), ["doomed"]);
        assert.deepEqual([letters[0]!.attempts, letters[0]!.cause], [3, CAUSE]);
        assert.equal(receiver.arrived(), 3);
        await receiver.close();
      },
    },
    {
      title: "a message whose lease always ends unsettled becomes a dead letter, with a cause",
      needs: ["deadLetters", "attemptCount"],
      run: async (context) => {
        const queue = await makeQueue(context, { attempts: 2, leaseMs: 1000 });
        valuesOf(await context.queues().send(queue, [{ message: message("doomed") }]));
        const receiver = await openReceiver(context.queues(), queue);
        for (let attempt = 1; attempt <= 2; attempt++) {
          await receiver.take();
          await context.time.pass(1500);
        }
        const dead = async (): Promise<boolean> =>
          (await context.queues().listDeadLetters(queue)).length === 1;
        await eventually(context, "the message is dead", dead);
        const [letter] = await context.queues().listDeadLetters(queue);
        assert.equal(letter!.attempts, 2);
        assert.ok(letter!.cause.code.length > 0 && letter!.cause.message.length > 0);
        await receiver.close();
      },
    },
    {
      title: "a cause of any length is kept up to 2,000 characters",
      needs: ["deadLetters"],
      run: async (context) => {
        const queue = await makeQueue(context);
        valuesOf(await context.queues().send(queue, [{ message: message("m") }]));
        const receiver = await openReceiver(context.queues(), queue);
        const long = `first words ${"x".repeat(100_000)}`;
        await context.queues().reject(await receiver.take(), { code: "LONG", message: long });
        const [letter] = await context.queues().listDeadLetters(queue);
        assert.ok(letter!.cause.message.startsWith("first words"));
        assert.ok(letter!.cause.message.length <= 2000, `${letter!.cause.message.length} letters`);
        await receiver.close();
      },
    },
    {
      title: "they are listed in the order of their death, page by page",
      needs: ["deadLetters"],
      run: async (context) => {
        const queue = await queueOfDead(context, 25);
        const listed: DeadLetter[] = [];
        for (;;) {
          const after = listed.at(-1)?.sequence;
          const page = await context
            .queues()
            .listDeadLetters(queue, after === undefined ? { limit: 10 } : { after, limit: 10 });
          assert.ok(page.length <= 10);
          if (page.length === 0) break;
          listed.push(...page);
        }
        const expected = messages(25, { stem: "dead" }).map(textOf);
        compareLists(context.note, "texts", textsOf(listed), expected);
      },
    },
    {
      title: "the order of death may differ from that of sending",
      needs: ["deadLetters"],
      run: async (context) => {
        const queue = await makeQueue(context);
        const sent = messages(6).map((one) => ({ message: one }));
        valuesOf(await context.queues().send(queue, sent));
        const receiver = await openReceiver(context.queues(), queue);
        const order = [3, 0, 5, 1, 4, 2];
        const taken = await receiver.takeMany(6);
        for (const at of order) {
          await context.time.pass(5);
          await context.queues().reject(taken[at]!, CAUSE);
        }
        await receiver.close();
        const expected = order.map((at) => textOf(taken[at]!.message));
        const first = await context.queues().listDeadLetters(queue, { limit: 2 });
        const after = first.at(-1)!.sequence;
        const rest = await context.queues().listDeadLetters(queue, { after });
        compareLists(context.note, "texts", textsOf([...first, ...rest]), expected);
      },
    },
    {
      title: "a redriven message waits again, the same, with a fresh count of attempts",
      needs: ["deadLetters"],
      run: async (context) => {
        const queue = await queueOfDead(context, 10);
        const letters = await context.queues().listDeadLetters(queue);
        const chosen = [letters[2]!.sequence, letters[7]!.sequence];
        const strangers = [...chosen, 1_000_000];
        assert.equal(await context.queues().redriveDeadLetters(queue, strangers), 2);
        assert.equal(await context.queues().redriveDeadLetters(queue, chosen), 0);
        const receiver = await openReceiver(context.queues(), queue);
        const taken = await receiver.takeMany(2);
        assert.ok(taken.every(({ attempt }) => attempt === 1));
        const texts = taken.map((lease) => textOf(lease.message));
        compareLists(context.note, "texts", texts.toSorted(), ["dead-2", "dead-7"]);
        await acceptAll(context.queues(), taken);
        assert.equal((await context.queues().describeQueue(queue)).deadLetters, 8);
        assert.equal(await context.queues().redriveDeadLetters(queue, "all"), 8);
        await acceptAll(context.queues(), await receiver.takeMany(8));
        await receiver.close();
        const { waiting, leased, deadLetters } = await context.queues().describeQueue(queue);
        assert.deepEqual([waiting, leased, deadLetters], [0, 0, 0]);
      },
    },
    {
      title: "a redriven message that fails again is one dead letter again",
      needs: ["deadLetters"],
      run: async (context) => {
        const queue = await queueOfDead(context, 1);
        for (let round = 0; round < 3; round++) {
          assert.equal(await context.queues().redriveDeadLetters(queue, "all"), 1);
          const receiver = await openReceiver(context.queues(), queue);
          const again: typeof CAUSE = { code: "AGAIN", message: `round ${round}` };
          await context.queues().reject(await receiver.take(), again);
          await receiver.close();
          const letters = await context.queues().listDeadLetters(queue);
          assert.deepEqual(
            letters.map(({ cause }) => cause),
            [again],
          );
        }
      },
    },
    {
      title: "discarded dead letters are gone, the others stay",
      needs: ["deadLetters"],
      run: async (context) => {
        const queue = await queueOfDead(context, 6);
        const letters = await context.queues().listDeadLetters(queue);
        const some = [letters[0]!.sequence, letters[5]!.sequence, 1_000_000];
        assert.equal(await context.queues().discardDeadLetters(queue, some), 2);
        const left = await context.queues().listDeadLetters(queue);
        const expected = ["dead-1", "dead-2", "dead-3", "dead-4"];
        compareLists(context.note, "texts", textsOf(left), expected);
        assert.equal(await context.queues().discardDeadLetters(queue, "all"), 4);
        assert.deepEqual(await context.queues().listDeadLetters(queue), []);
        assert.equal(await context.queues().redriveDeadLetters(queue, "all"), 0);
      },
    },
    {
      title: "dead letters and their causes are kept over a restart, and can be redriven after it",
      needs: ["deadLetters", "restart"],
      run: async (context) => {
        const queue = await queueOfDead(context, 12);
        const before = await context.queues().listDeadLetters(queue);
        await context.suffer("restart");
        const after = await context.queues().listDeadLetters(queue);
        const facts = (letter: DeadLetter): object => ({
          ...letter,
          message: plain(letter.message),
        });
        compareLists(context.note, "dead letters", after.map(facts), before.map(facts));
        assert.equal(await context.queues().redriveDeadLetters(queue, "all"), 12);
        await context.suffer("restart");
        const texts = await drain(context.queues(), queue, 12);
        compareLists(context.note, "texts", texts.toSorted(), textsOf(before).toSorted());
      },
    },
  ],
};

/** The same message id twice counts once, within the window. */

import assert from "node:assert/strict";
import { valuesOf } from "../../model/outcome.ts";
import type { DedupeWindow } from "../../broker/streams.ts";
import type { BrokerContext, BrokerTopic, Fault } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { message, readStream, textOf } from "../messages.ts";

const WIDE: DedupeWindow = { count: 10_000, ms: 3_600_000 };

async function streamWith(context: BrokerContext, dedupe: DedupeWindow): Promise<string> {
  const stream = context.name("orders");
  await context.streams().ensureStream({ name: stream, partitions: 2, dedupe });
  return stream;
}

const withIds = (count: number, stem = "id"): ReturnType<typeof message>[] =>
  Array.from({ length: count }, (_, n) =>
    message(`${stem}-${n}`, { key: `k${n}`, id: `${stem}-${n}` }),
  );

/** Appends the same messages before and after the fault. */
const survives = (fault: Fault) => async (context: BrokerContext) => {
  const stream = await streamWith(context, WIDE);
  const sent = withIds(50);
  const first = valuesOf(await context.streams().append(stream, sent));
  await context.suffer(fault);
  const again = valuesOf(await context.streams().append(stream, sent));
  compareLists(
    context.note,
    "answers",
    again,
    first.map((answer) => ({ ...answer, duplicate: true })),
  );
  assert.equal((await readStream(context.streams(), stream)).length, 50);
};

export const dedupe: BrokerTopic = {
  topic: "dedupe by id",
  cases: [
    {
      // proves: immutable-events
      title: "an id that comes again is answered with its first place and not written",
      needs: ["dedupeById"],
      run: async (context) => {
        const stream = await streamWith(context, WIDE);
        const sent = withIds(100);
        const first = valuesOf(await context.streams().append(stream, sent));
        assert.ok(first.every(({ duplicate }) => !duplicate));
        const again = valuesOf(await context.streams().append(stream, sent));
        compareLists(
          context.note,
          "answers",
          again,
          first.map((answer) => ({ ...answer, duplicate: true })),
        );
        assert.equal((await readStream(context.streams(), stream)).length, 100);
      },
    },
    {
      title: "an id that comes twice in one call, or in two calls at once, counts once",
      needs: ["dedupeById"],
      run: async (context) => {
        const stream = await streamWith(context, WIDE);
        const twice = withIds(20).flatMap((one) => [one, one]);
        const calls = [1, 2, 3].map(() => context.streams().append(stream, twice));
        const answers = (await Promise.all(calls)).flatMap((outcomes) => valuesOf(outcomes));
        assert.equal(answers.filter(({ duplicate }) => !duplicate).length, 20);
        const found = await readStream(context.streams(), stream);
        const expected = withIds(20).map(textOf);
        compareLists(context.note, "texts", found.map(textOf).toSorted(), expected.toSorted());
      },
    },
    {
      title: "repetitions beside new messages do not disturb their order",
      needs: ["dedupeById"],
      run: async (context) => {
        const stream = await streamWith(context, WIDE);
        const of = (n: number): ReturnType<typeof message> =>
          message(`id-${n}`, { key: "one", id: `id-${n}` });
        const order = [0, 1, 2, 1, 3, 0, 4, 4, 5];
        valuesOf(await context.streams().append(stream, order.slice(0, 3).map(of)));
        valuesOf(await context.streams().append(stream, order.map(of)));
        const found = await readStream(context.streams(), stream);
        const expected = [0, 1, 2, 3, 4, 5].map((n) => textOf(of(n)));
        compareLists(context.note, "texts", found.map(textOf), expected);
      },
    },
    {
      title: "an id is forgotten after the window's time",
      needs: ["dedupeById"],
      run: async (context) => {
        const stream = await streamWith(context, { count: 1000, ms: 5000 });
        await context.streams().append(stream, withIds(10));
        await context.time.pass(4000);
        const within = valuesOf(await context.streams().append(stream, withIds(10)));
        assert.ok(within.every(({ duplicate }) => duplicate));
        await context.time.pass(5000);
        const after = valuesOf(await context.streams().append(stream, withIds(10)));
        assert.ok(after.every(({ duplicate }) => !duplicate));
        assert.equal((await readStream(context.streams(), stream)).length, 20);
      },
    },
    {
      title: "the window keeps at least the number of ids it promises",
      needs: ["dedupeById"],
      run: async (context) => {
        const stream = await streamWith(context, { count: 200, ms: 3_600_000 });
        const sent = withIds(1000);
        for (let at = 0; at < 1000; at += 100) {
          valuesOf(await context.streams().append(stream, sent.slice(at, at + 100)));
        }
        const newest = sent.slice(-200);
        const again = valuesOf(await context.streams().append(stream, newest));
        compareLists(
          context.note,
          "duplicates",
          again.map(({ duplicate }) => duplicate),
          newest.map(() => true),
        );
      },
    },
    {
      title: "messages without an id and ids of other streams are let through",
      needs: ["dedupeById"],
      run: async (context) => {
        const one = await streamWith(context, WIDE);
        const two = await streamWith(context, WIDE);
        const nameless = message("same", { key: "k" });
        await context.streams().append(one, [nameless, nameless, ...withIds(5)]);
        const other = valuesOf(await context.streams().append(two, withIds(5)));
        assert.ok(other.every(({ duplicate }) => !duplicate));
        assert.equal((await readStream(context.streams(), one)).length, 7);
      },
    },
    {
      title: "a restart does not forget ids",
      needs: ["dedupeById", "restart"],
      run: survives("restart"),
    },
    {
      title: "a kill does not forget ids of what was acknowledged",
      needs: ["dedupeById", "durableAppend", "kill"],
      run: survives("kill"),
    },
  ],
};

/** Retention: what goes, what stays, and what a reader that was left behind is told. */

import assert from "node:assert/strict";
import type { Retention } from "../../broker/streams.ts";
import { valuesOf } from "../../model/outcome.ts";
import type { BrokerContext, BrokerTopic } from "../broker-case.ts";
import { eventually, refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { message, messages, readAll } from "../messages.ts";

const MESSAGE_BYTES = 1000;

/** Appends `count` messages of about a kilobyte in small calls. */
async function fill(context: BrokerContext, stream: string, count: number): Promise<number[]> {
  const offsets: number[] = [];
  const padding = "x".repeat(MESSAGE_BYTES);
  for (let at = 0; at < count; at += 25) {
    const batch = Array.from({ length: 25 }, (_, index) => message(`${at + index}${padding}`));
    const answers = valuesOf(await context.streams().append(stream, batch));
    offsets.push(...answers.map(({ offset }) => offset));
    await context.time.pass(20);
  }
  return offsets;
}

async function streamKeeping(context: BrokerContext, retention: Retention): Promise<string> {
  const stream = context.name("orders");
  await context.streams().ensureStream({ name: stream, partitions: 1, retention });
  return stream;
}

async function earliestOf({ streams }: BrokerContext, stream: string): Promise<number> {
  return (await streams().describeStream(stream)).partitions[0]!.earliest;
}

/** Waits until something was let go: whole segments go, on the broker's own time. */
function untilSomethingWent(context: BrokerContext, stream: string, first: number): Promise<void> {
  const moved = async (): Promise<boolean> => (await earliestOf(context, stream)) > first;
  return eventually(context, "the oldest records went", moved, { stepMs: 60_000, tries: 60 });
}

export const retention: BrokerTopic = {
  topic: "retention",
  cases: [
    {
      // proves: retention
      title: "by count: the oldest go, at least the number asked for stays",
      needs: ["retentionByCount"],
      run: async (context) => {
        const stream = await streamKeeping(context, { count: 100 });
        const offsets = await fill(context, stream, 2000);
        await untilSomethingWent(context, stream, offsets[0]!);
        const kept = await readAll(context.streams(), stream, { from: "earliest" });
        assert.ok(kept.length >= 100 && kept.length < 2000, `${kept.length} of 2000 are kept`);
        compareLists(
          context.note,
          "what is kept is the newest without a gap",
          kept.map(({ offset }) => offset),
          offsets.slice(-kept.length),
        );
      },
    },
    {
      title: "by size: the oldest go, at least the bytes asked for stay",
      needs: ["retentionBySize"],
      run: async (context) => {
        const stream = await streamKeeping(context, { bytes: 100_000 });
        const offsets = await fill(context, stream, 2000);
        await untilSomethingWent(context, stream, offsets[0]!);
        const kept = await readAll(context.streams(), stream, { from: "earliest" });
        const keptBytes = kept.reduce((sum, { value }) => sum + value!.length, 0);
        assert.ok(kept.length < 2000);
        assert.ok(keptBytes >= 50_000, `only ${keptBytes} bytes are kept of 100,000 to be kept`);
        compareLists(
          context.note,
          "what is kept is the newest without a gap",
          kept.map(({ offset }) => offset),
          offsets.slice(-kept.length),
        );
      },
    },
    {
      // proves: retention
      title: "by age: what is older goes, what is younger stays",
      needs: ["retentionByAge"],
      run: async (context) => {
        const stream = await streamKeeping(context, { ageMs: 3_600_000 });
        const old = await fill(context, stream, 200);
        await context.time.pass(3_000_000);
        assert.equal(await earliestOf(context, stream), old[0]);
        const young = await fill(context, stream, 200);
        await context.time.pass(1_200_000);
        await fill(context, stream, 25);
        await untilSomethingWent(context, stream, old[0]!);
        const kept = (await readAll(context.streams(), stream, { from: "earliest" })).map(
          ({ offset }) => offset,
        );
        assert.ok(
          young.every((offset) => kept.includes(offset)),
          "a young record went",
        );
      },
    },
    {
      // proves: retention
      title: "a reader that was left behind is told what is kept",
      needs: ["retentionByCount"],
      run: async (context) => {
        const stream = await streamKeeping(context, { count: 50 });
        const offsets = await fill(context, stream, 1000);
        await untilSomethingWent(context, stream, offsets[0]!);
        const error = await refusal(
          () => readAll(context.streams(), stream, { from: offsets[0]! }),
          "OFFSET_OUT_OF_RANGE",
        );
        const { earliest, end } = (await context.streams().describeStream(stream)).partitions[0]!;
        assert.deepEqual([error.details["earliest"], error.details["end"]], [earliest, end]);
        const kept = await readAll(context.streams(), stream, { from: earliest });
        assert.equal(kept[0]!.offset, earliest);
      },
    },
    {
      title: "a read that falls behind in its middle fails instead of leaving a gap",
      needs: ["retentionByCount"],
      run: async (context) => {
        const stream = await streamKeeping(context, { count: 50 });
        const offsets = await fill(context, stream, 100);
        const options = { partition: 0, from: "earliest", batchCount: 1 } as const;
        const slow = context.streams().read(stream, options)[Symbol.asyncIterator]();
        const { value: first } = await slow.next();
        assert.equal(first[0].offset, offsets[0]);
        await fill(context, stream, 2000);
        await untilSomethingWent(context, stream, offsets[99]!);
        let last = offsets[0]!;
        const readOn = async (): Promise<void> => {
          for (;;) {
            const { done, value } = await slow.next();
            if (done) return;
            assert.equal(value[0]!.offset, last + 1, "a gap that nobody was told of");
            last = value[0]!.offset;
          }
        };
        await refusal(readOn, "OFFSET_OUT_OF_RANGE");
      },
    },
    {
      // proves: immutable-log
      title: "offsets are not used again after their records went",
      needs: ["retentionByAge"],
      run: async (context) => {
        const stream = await streamKeeping(context, { ageMs: 60_000 });
        const offsets = await fill(context, stream, 100);
        await context.time.pass(600_000);
        const [next] = valuesOf(await context.streams().append(stream, messages(1)));
        assert.ok(next!.offset > offsets.at(-1)!);
      },
    },
  ],
};

/** Offsets and moments: looking them up, and asking for what is not kept. */

import assert from "node:assert/strict";
import type { StreamRecord } from "../../broker/streams.ts";
import type { StartAt } from "../../model/position.ts";
import type { BrokerContext, BrokerTopic } from "../broker-case.ts";
import { refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { messages, readAll } from "../messages.ts";

/** Five groups of three records, each a second after the one before. */
async function fiveMoments({ streams, name, time }: BrokerContext): Promise<{
  readonly stream: string;
  readonly records: readonly StreamRecord[];
}> {
  const stream = name("orders");
  await streams().ensureStream({ name: stream, partitions: 1 });
  for (let round = 0; round < 5; round++) {
    await streams().append(stream, messages(3, { stem: `round-${round}` }));
    await time.pass(1000);
  }
  const records = await readAll(streams(), stream);
  assert.equal(records.length, 15);
  return { stream, records };
}

export const offsets: BrokerTopic = {
  topic: "offsets and moments",
  cases: [
    {
      title: "the offset of a moment is that of the first record appended at or after it",
      needs: ["timeLookup"],
      run: async (context) => {
        const { stream, records } = await fiveMoments(context);
        const { end } = (await context.streams().describeStream(stream)).partitions[0]!;
        const newest = records.at(-1)!.appendedMs;
        const moments = [
          0,
          ...records.flatMap((r) => [r.appendedMs, r.appendedMs + 1]),
          newest + 1,
        ];
        const expected = moments.map(
          (moment) => records.find(({ appendedMs }) => appendedMs >= moment)?.offset ?? end,
        );
        const found: number[] = [];
        for (const moment of moments) {
          found.push(await context.streams().offsetAt(stream, 0, moment));
        }
        compareLists(context.note, "offsets of moments", found, expected);
        assert.equal(found.at(-1), end);
      },
    },
    {
      title: "a read from a moment starts there",
      needs: ["timeLookup", "replay"],
      run: async (context) => {
        const { stream, records } = await fiveMoments(context);
        const timeMs = records[9]!.appendedMs;
        const expected = records.filter(({ appendedMs }) => appendedMs >= timeMs);
        const found: StreamRecord[] = [];
        const options = { partition: 0, from: { timeMs } } as const;
        for await (const batch of context.streams().read(stream, options)) found.push(...batch);
        compareLists(
          context.note,
          "offsets",
          found.map(({ offset }) => offset),
          expected.map(({ offset }) => offset),
        );
      },
    },
    {
      title: "an offset beyond the end is refused with the range that is kept",
      run: async ({ streams, name }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        await streams().append(stream, messages(5));
        const { earliest, end } = (await streams().describeStream(stream)).partitions[0]!;
        const beyond: StartAt = { offset: end + 1 };
        for (const follow of [false, true]) {
          const error = await refusal(async () => {
            for await (const batch of streams().read(stream, {
              partition: 0,
              from: beyond,
              follow,
            })) {
              assert.fail(`got ${batch.length} records`);
            }
          }, "OFFSET_OUT_OF_RANGE");
          assert.equal(error.details["earliest"], earliest);
          assert.equal(error.details["end"], end);
        }
      },
    },
    {
      title: "a description's earliest and end enclose what can be read",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 3 });
        const empty = await streams().describeStream(stream);
        assert.deepEqual(
          empty.partitions.map(({ earliest, end }) => end - earliest),
          [0, 0, 0],
        );
        await streams().append(stream, messages(90, { keys: 12 }));
        const { partitions } = await streams().describeStream(stream);
        const counts: number[] = [];
        for (const { partition, earliest, end } of partitions) {
          const records = await readAll(streams(), stream, { partition, from: earliest });
          assert.ok(records.every(({ offset }) => earliest <= offset && offset < end));
          counts.push(records.length);
        }
        assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          90,
        );
        compareLists(
          note,
          "partitions",
          partitions.map(({ partition }) => partition),
          [0, 1, 2],
        );
      },
    },
  ],
};

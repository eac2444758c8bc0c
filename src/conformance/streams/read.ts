/** Reading without a group: where it starts, where it ends, and who waits for whom. */

import assert from "node:assert/strict";
import type { StreamRecord } from "../../broker/streams.ts";
import { valuesOf } from "../../model/outcome.ts";
import type { BrokerTopic } from "../broker-case.ts";
import { refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { messages, plain, readAll, readStream, textOf } from "../messages.ts";

/** Takes batches until `count` records came. */
async function take(
  iterator: AsyncIterator<readonly StreamRecord[]>,
  count: number,
): Promise<StreamRecord[]> {
  const taken: StreamRecord[] = [];
  while (taken.length < count) {
    const { done, value } = await iterator.next();
    assert.ok(!done, `the read ended after ${taken.length} of ${count} records`);
    taken.push(...value);
  }
  return taken;
}

export const reading: BrokerTopic = {
  topic: "read",
  cases: [
    {
      title: "an empty stream ends at once",
      run: async ({ streams, name }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 2 });
        assert.deepEqual(await readStream(streams(), stream), []);
      },
    },
    {
      // proves: immutable-log, event-stream
      title: "three reads give the same records, byte for byte",
      needs: ["replay"],
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 3 });
        valuesOf(await streams().append(stream, messages(250, { keys: 11 })));
        const facts = (record: StreamRecord): object => ({
          ...plain(record),
          at: [record.partition, record.offset, record.appendedMs],
        });
        const first = (await readStream(streams(), stream)).map(facts);
        assert.equal(first.length, 250);
        for (const round of ["second", "third"]) {
          const again = (await readStream(streams(), stream)).map(facts);
          compareLists(note, `${round} read`, again, first);
        }
      },
    },
    {
      title: "a read starts at the offset asked for; at the end it finds nothing",
      needs: ["replay"],
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const answers = valuesOf(await streams().append(stream, messages(50)));
        const from = answers[20]!.offset;
        const found = await readAll(streams(), stream, { from });
        const expected = answers.slice(20).map(({ offset }) => offset);
        compareLists(
          note,
          "offsets",
          found.map(({ offset }) => offset),
          expected,
        );
        const { partitions } = await streams().describeStream(stream);
        assert.deepEqual(await readAll(streams(), stream, { from: partitions[0]!.end }), []);
        for await (const batch of streams().read(stream, { partition: 0, from: "latest" })) {
          assert.fail(`a read from "latest" that does not follow gave ${batch.length} records`);
        }
      },
    },
    {
      title: "no batch is empty or larger than asked for",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const sent = messages(100);
        for (let at = 0; at < 100; at += 30)
          await streams().append(stream, sent.slice(at, at + 30));
        for (const batchCount of [1, 7, 1000]) {
          const found: StreamRecord[] = [];
          const options = { partition: 0, from: "earliest", batchCount } as const;
          for await (const batch of streams().read(stream, options)) {
            assert.ok(batch.length > 0 && batch.length <= batchCount, `${batch.length} records`);
            found.push(...batch);
          }
          compareLists(note, `batches of ${batchCount}`, found.map(textOf), sent.map(textOf));
        }
      },
    },
    {
      title: "a following read waits at the end for what comes",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        await streams().append(stream, messages(3, { stem: "old" }));
        const stop = new AbortController();
        const options = {
          partition: 0,
          from: "earliest",
          follow: true,
          signal: stop.signal,
        } as const;
        const iterator = streams().read(stream, options)[Symbol.asyncIterator]();
        const found = await take(iterator, 3);
        for (let round = 0; round < 5; round++) {
          const next = take(iterator, 2);
          await streams().append(stream, messages(2, { stem: `round-${round}` }));
          found.push(...(await next));
        }
        const expected = (await readAll(streams(), stream)).map(textOf);
        compareLists(note, "texts", found.map(textOf), expected);
        stop.abort();
      },
    },
    {
      title: "a following read from latest gives what is appended after it began, without a gap",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        await streams().append(stream, messages(10, { stem: "old" }));
        const { end } = (await streams().describeStream(stream)).partitions[0]!;
        const stop = new AbortController();
        const options = {
          partition: 0,
          from: "latest",
          follow: true,
          signal: stop.signal,
        } as const;
        const iterator = streams().read(stream, options)[Symbol.asyncIterator]();
        const progress = { arrived: false };
        const first = take(iterator, 1).finally(() => (progress.arrived = true));
        for (let round = 0; !progress.arrived; round++) {
          await streams().append(stream, messages(1, { stem: `new-${round}` }));
        }
        const found = await first;
        await streams().append(stream, messages(1, { stem: "last" }));
        while (textOf(found.at(-1)!) !== "last-0") found.push(...(await take(iterator, 1)));
        assert.ok(found[0]!.offset >= end, "nothing that was there before");
        const expected = await readAll(streams(), stream, { from: found[0]!.offset });
        compareLists(note, "texts", found.map(textOf), expected.map(textOf));
        stop.abort();
      },
    },
    {
      title: "a following read ends when its signal aborts, also while it waits",
      run: async ({ streams, name }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        await streams().append(stream, messages(1));
        const stop = new AbortController();
        const options = {
          partition: 0,
          from: "earliest",
          follow: true,
          signal: stop.signal,
        } as const;
        const iterator = streams().read(stream, options)[Symbol.asyncIterator]();
        await take(iterator, 1);
        const waiting = iterator.next();
        stop.abort();
        assert.equal((await waiting).done, true);
        assert.equal((await iterator.next()).done, true);
      },
    },
    {
      // proves: independent-consumers
      title:
        "a reader that does not ask holds up neither appends nor other readers, and misses nothing",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        await streams().append(stream, messages(10, { stem: "first" }));
        const options = { partition: 0, from: "earliest", batchCount: 10 } as const;
        const slow = streams().read(stream, options)[Symbol.asyncIterator]();
        const found = await take(slow, 10);
        for (let call = 0; call < 20; call++) {
          valuesOf(await streams().append(stream, messages(250, { stem: `later-${call}` })));
        }
        const expected = await readAll(streams(), stream);
        found.push(...(await take(slow, 5000)));
        compareLists(note, "texts", found.map(textOf), expected.map(textOf));
        await slow.return?.();
      },
    },
    {
      title: "a reader that leaves in the middle leaves the rest unharmed",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const sent = messages(30);
        await streams().append(stream, sent);
        const options = { partition: 0, from: "earliest", batchCount: 4, follow: true } as const;
        for (let reader = 0; reader < 10; reader++) {
          for await (const batch of streams().read(stream, options)) {
            assert.equal(batch.length, 4);
            break;
          }
        }
        compareLists(
          note,
          "texts",
          (await readAll(streams(), stream)).map(textOf),
          sent.map(textOf),
        );
      },
    },
    {
      title: "an unknown stream or partition is refused",
      run: async ({ streams, name }) => {
        const stream = name("orders");
        await refusal(() => readAll(streams(), stream), "UNKNOWN_STREAM");
        await streams().ensureStream({ name: stream, partitions: 2 });
        await refusal(() => readAll(streams(), stream, { partition: 2 }), "BAD_ARGUMENT");
      },
    },
  ],
};

/** Appending: order, partitions, and what `append` answers. */

import assert from "node:assert/strict";
import { valuesOf } from "../../model/outcome.ts";
import type { BrokerTopic } from "../broker-case.ts";
import { refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { bytes, message, messages, readAll, readStream, textOf } from "../messages.ts";

/**
 * murmur2 of these texts as Java's producer computes it (Kafka's own `UtilsTest`).
 * The partition is the hash without its sign bit, modulo the number of partitions.
 */
const JAVA_MURMUR2: readonly (readonly [text: string, hash: number])[] = [
  ["21", -973932308],
  ["foobar", -790332482],
  ["a-little-bit-long-string", -985981536],
  ["a-little-bit-longer-string", -1486304829],
  ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
  ["abc", 479470107],
];

export const appending: BrokerTopic = {
  topic: "append",
  cases: [
    {
      title: "what append resolved is there to be read, at the offset it answered",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const sent = messages(100);
        const answers = valuesOf(await streams().append(stream, sent));
        const found = await readAll(streams(), stream);
        compareLists(note, "texts", found.map(textOf), sent.map(textOf));
        compareLists(
          note,
          "offsets",
          found.map(({ offset }) => offset),
          answers.map(({ offset }) => offset),
        );
        assert.ok(answers.every(({ partition, duplicate }) => partition === 0 && !duplicate));
      },
    },
    {
      title: "a key's partition can be told before anything of the key is appended",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 5 });
        const keys = ["", "é", ...JAVA_MURMUR2.map(([text]) => text)];
        const told = await Promise.all(keys.map((key) => streams().partitionOf(stream, key)));
        const sent = keys.map((key) => message("text", { key }));
        const answers = valuesOf(await streams().append(stream, sent));
        compareLists(
          note,
          "partitions",
          told,
          answers.map(({ partition }) => partition),
        );
        assert.ok(new Set(told).size > 1, "the keys are spread");
        await refusal(() => streams().partitionOf(name("missing"), "k"), "UNKNOWN_STREAM");
      },
    },
    {
      title: "offsets ascend strictly over many calls and `end` is above them all",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const offsets: number[] = [];
        for (let call = 0; call < 20; call++) {
          const answers = valuesOf(await streams().append(stream, messages(1 + (call % 4))));
          offsets.push(...answers.map(({ offset }) => offset));
        }
        const sorted = [...new Set(offsets)].toSorted((a, b) => a - b);
        compareLists(note, "offsets", offsets, sorted);
        const { partitions } = await streams().describeStream(stream);
        assert.ok(partitions[0]!.end > offsets.at(-1)!);
      },
    },
    {
      title: "messages of one call that fall into one partition keep their order",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 4 });
        const sent = messages(300, { keys: 17 });
        const answers = valuesOf(await streams().append(stream, sent));
        let partitionsUsed = 0;
        for (let partition = 0; partition < 4; partition++) {
          const expected = sent.filter((_, index) => answers[index]!.partition === partition);
          if (expected.length === 0) continue;
          partitionsUsed++;
          const found = await readAll(streams(), stream, { partition });
          compareLists(note, `partition ${partition}`, found.map(textOf), expected.map(textOf));
        }
        assert.ok(partitionsUsed > 1, "17 keys fell into one partition");
      },
    },
    {
      title: "calls keep the order in which they were made, also when nobody waits in between",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const calls = Array.from({ length: 60 }, (_, call) =>
          streams().append(stream, messages(3, { stem: `call-${call}` })),
        );
        const answers = (await Promise.all(calls)).flatMap((outcomes) => valuesOf(outcomes));
        const expected = Array.from(
          { length: 180 },
          (_, at) => `call-${Math.floor(at / 3)}-${at % 3}`,
        );
        const found = await readAll(streams(), stream);
        compareLists(note, "texts", found.map(textOf), expected);
        compareLists(
          note,
          "offsets",
          found.map(({ offset }) => offset),
          answers.map(({ offset }) => offset),
        );
      },
    },
    {
      title: "a key falls into the partition that Java's producer computes",
      run: async ({ streams, name, note }) => {
        for (const partitions of [6, 7]) {
          const stream = name(`orders-${partitions}`);
          await streams().ensureStream({ name: stream, partitions });
          const sent = JAVA_MURMUR2.map(([text]) => message(text, { key: text }));
          const answers = valuesOf(await streams().append(stream, sent));
          compareLists(
            note,
            `of ${partitions} partitions`,
            answers.map(({ partition }) => partition),
            JAVA_MURMUR2.map(([, hash]) => (hash & 0x7fffffff) % partitions),
          );
        }
      },
    },
    {
      title: "a key as text and the same key as bytes share a partition",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 16 });
        const keys = Array.from({ length: 40 }, (_, index) => `kunde-ä-${index}`);
        const asText = await streams().append(
          stream,
          keys.map((key) => message(key, { key })),
        );
        const asBytes = await streams().append(
          stream,
          keys.map((key) => message(key, { key: bytes(key) })),
        );
        compareLists(
          note,
          "partitions",
          valuesOf(asBytes).map(({ partition }) => partition),
          valuesOf(asText).map(({ partition }) => partition),
        );
      },
    },
    {
      title: "keyless messages reach every partition",
      run: async ({ streams, name }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 4 });
        const used = new Set<number>();
        for (let call = 0; call < 100 && used.size < 4; call++) {
          const answers = valuesOf(await streams().append(stream, messages(2)));
          for (const { partition } of answers) used.add(partition);
        }
        assert.equal(used.size, 4);
      },
    },
    {
      title: "a partition that the caller names wins over the key",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 4 });
        const sent = messages(20, { keys: 9 });
        const answers = valuesOf(await streams().append(stream, sent, { partition: 2 }));
        assert.ok(answers.every(({ partition }) => partition === 2));
        const found = await readAll(streams(), stream, { partition: 2 });
        compareLists(note, "texts", found.map(textOf), sent.map(textOf));
      },
    },
    {
      title: "a partition that does not exist is refused and nothing is written",
      run: async ({ streams, name }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 2 });
        for (const partition of [2, -1, 0.5]) {
          await refusal(() => streams().append(stream, messages(1), { partition }), "BAD_ARGUMENT");
        }
        assert.deepEqual(await readStream(streams(), stream), []);
      },
    },
    {
      title: "appending nothing answers nothing",
      run: async ({ streams, name }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 2 });
        assert.deepEqual(await streams().append(stream, []), []);
        assert.deepEqual(await readStream(streams(), stream), []);
      },
    },
    {
      title: "a call whose messages are large together is taken, by values as by headers",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const wide = "x".repeat(16_000);
        const sent = messages(700).map((one, index) =>
          index % 2 === 0
            ? { ...one, headers: [["wide", wide] as const] }
            : { ...one, value: bytes(`${textOf(one)} ${wide}`) },
        );
        valuesOf(await streams().append(stream, sent));
        const found = await readAll(streams(), stream);
        compareLists(note, "texts", found.map(textOf), sent.map(textOf));
      },
    },
    {
      title: "the time of appending never falls and lies within the call",
      run: async ({ streams, name, time }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const before = time.now();
        for (let call = 0; call < 5; call++) {
          await streams().append(stream, messages(3));
          await time.pass(10);
        }
        const times = (await readAll(streams(), stream)).map(({ appendedMs }) => appendedMs);
        assert.equal(times.length, 15);
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );
        assert.ok(times[0]! >= before - 1 && times.at(-1)! <= time.now() + 1);
        assert.ok(times.at(-1)! - times[0]! >= 30, "five appends ten milliseconds apart");
      },
    },
    {
      title: "an unknown stream is named as such",
      run: async ({ streams, name }) => {
        const stream = name("nowhere");
        const error = await refusal(() => streams().append(stream, messages(1)), "UNKNOWN_STREAM");
        assert.ok(error.message.includes(stream), `the text names the stream: ${error.message}`);
      },
    },
  ],
};

/** What goes in comes out: keys, headers and values, and the limits on their size. */

import assert from "node:assert/strict";
import { LIMITS } from "../../model/limits.ts";
import { valuesOf } from "../../model/outcome.ts";
import type { BrokerTopic } from "../broker-case.ts";
import { refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { BAD_NAMES, OVERSIZE, peculiarMessages } from "../peculiar.ts";
import { bytes, message, messages, plain, readAll, readStream, textOf } from "../messages.ts";

export const lossless: BrokerTopic = {
  topic: "lossless, within limits",
  cases: [
    {
      title: "peculiar keys, headers and values come back as they went in",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const sent = peculiarMessages();
        valuesOf(await streams().append(stream, sent));
        const found = await readAll(streams(), stream);
        compareLists(note, "messages", found.map(plain), sent.map(plain));
      },
    },
    {
      title: "a key or header given as the bytes of a text comes back as the text",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const texts = ["plain", "größer", "", "😀", "\uFEFFmarked"];
        const headers = texts.map((text) => ["h", bytes(text)] as const);
        const key = bytes("schlüssel");
        valuesOf(await streams().append(stream, [message("m", { key, headers })]));
        const [found] = await readAll(streams(), stream);
        assert.equal(found!.key, "schlüssel");
        compareLists(
          note,
          "headers",
          found!.headers.map(([, value]) => value),
          texts,
        );
      },
    },
    {
      title: "the caller may use its buffer again once append resolved",
      run: async ({ streams, name, note }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const buffer = new Uint8Array(64);
        for (let round = 1; round <= 5; round++) {
          buffer.fill(round);
          valuesOf(await streams().append(stream, [{ key: null, headers: [], value: buffer }]));
        }
        buffer.fill(99);
        const found = await readAll(streams(), stream);
        compareLists(
          note,
          "values",
          found.map(({ value }) => [value![0], value![63]]),
          [1, 2, 3, 4, 5].map((round) => [round, round]),
        );
      },
    },
    {
      title: "a message of exactly the largest size passes",
      run: async ({ streams, name }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const value = new Uint8Array(LIMITS.messageBytesMax - 3).fill(7);
        valuesOf(await streams().append(stream, [{ key: "key", headers: [], value }]));
        const [found] = await readAll(streams(), stream);
        assert.equal(found!.value!.length, value.length);
        assert.ok(found!.value!.every((byte) => byte === 7));
      },
    },
    {
      title: "a message over a limit is refused alone, its neighbours are written",
      run: async ({ streams, name, note }) => {
        for (const [what, oversize] of OVERSIZE) {
          const stream = name("orders");
          await streams().ensureStream({ name: stream, partitions: 1 });
          const outcomes = await streams().append(stream, [message("a"), oversize, message("b")]);
          const codes = outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.error.code));
          compareLists(note, what, codes, ["ok", "TOO_LARGE", "ok"]);
          const found = await readAll(streams(), stream);
          compareLists(note, what, found.map(textOf), ["a", "b"]);
        }
      },
    },
    {
      title: "a call with too many messages is refused whole",
      run: async ({ streams, name }) => {
        const stream = name("orders");
        await streams().ensureStream({ name: stream, partitions: 1 });
        const many = messages(LIMITS.batchCountMax + 1);
        await refusal(() => streams().append(stream, many), "TOO_LARGE");
        assert.deepEqual(await readStream(streams(), stream), []);
      },
    },
    {
      title: "names and partition counts that some broker cannot have are refused",
      run: async ({ streams, name }) => {
        for (const bad of BAD_NAMES) {
          await refusal(
            () => streams().ensureStream({ name: bad, partitions: 1 }),
            "BAD_DECLARATION",
            "BAD_ARGUMENT",
          );
        }
        for (const partitions of [0, -1, 1.5, LIMITS.partitionsMax + 1, Number.NaN]) {
          await refusal(
            () => streams().ensureStream({ name: name("orders"), partitions }),
            "BAD_DECLARATION",
            "BAD_ARGUMENT",
          );
        }
        const longest = name("n").padEnd(LIMITS.nameLengthMax, "n");
        const { spec } = await streams().ensureStream({ name: longest, partitions: 1 });
        assert.equal(spec.name, longest);
      },
    },
  ],
};

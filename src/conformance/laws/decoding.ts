/**
 * Law 4: decoding happens inside the failure policy; raw bytes are kept; an unknown type or version
 * parks, and never crashes.
 */

import assert from "node:assert/strict";
import type { Header, RawMessage } from "../../model/message.ts";
import { stream } from "../../schema/channel.ts";
import { event } from "../../schema/message-type.ts";
import { consumer } from "../../service/consumer/consumer.ts";
import { compareLists } from "../case.ts";
import type { Law } from "../law-case.ts";
import { bytes, plain } from "../messages.ts";
import {
  byKey,
  Counted,
  counts,
  item,
  items,
  queueKeeper,
  streamKeeper,
  trailsFor,
  trailsOf,
  Work,
  work,
} from "./declarations.ts";
import { openStage } from "./stage.ts";

interface Strange {
  readonly id?: string;
  readonly type?: string;
  readonly headers?: readonly Header[];
}

function stranger(
  key: string,
  text: string,
  { id = `from-${key}`, type = "counted", headers = [] }: Strange = {},
): RawMessage {
  return {
    key,
    headers: [
      ["ce_specversion", "1.0"],
      ["ce_id", id],
      ["ce_type", type],
      ["ce_source", "elsewhere"],
      ...headers,
    ],
    value: bytes(text),
  };
}

/** By key: what comes, and the code it fails with. */
function unreadable(type: string): Readonly<Record<string, readonly [RawMessage, string]>> {
  return {
    json: [stranger("json", "{", { type }), "BAD_JSON"],
    bytes: [{ ...stranger("bytes", "", { type }), value: Uint8Array.of(255, 0, 254) }, "BAD_JSON"],
    type: [stranger("type", "{}", { type: "never.heard" }), "UNKNOWN_TYPE"],
    envelope: [{ key: "envelope", headers: [], value: bytes("{}") }, "BAD_ENVELOPE"],
    version: [
      stranger("version", "{}", { type, headers: [["ce_schemaversion", "9"]] }),
      "UNKNOWN_VERSION",
    ],
    payload: [stranger("payload", '{"key":"payload","n":"x"}', { type }), "BAD_PAYLOAD"],
  };
}

export const decoding: Law = {
  topic: "law 4",
  cases: [
    {
      title: "what cannot be read parks with its cause and its raw bytes, and the rest flows",
      run: async (context) => {
        await using stage = await openStage(context, streamKeeper(counts));
        const bad = unreadable("counted");
        const raw = Object.values(bad).map(([message]) => message);
        await stage.publish(items(3).map(Counted));
        await stage.until(stage.broker.streams!.append("counts", raw));
        await stage.publish(items(3, ["a", "b", "c"], 3).map(Counted));
        await stage.settled();
        const parked = await stage.until(stage.running.listParked("keeper"));
        assert.deepEqual(
          Object.fromEntries(parked.map(({ key, cause }) => [key, cause?.code])),
          Object.fromEntries(Object.entries(bad).map(([key, [, code]]) => [key, code])),
        );
        assert.ok(parked.every(({ cause }) => cause?.kind === "bad-message"));
        compareLists(
          context.note,
          "raw messages",
          parked.map(({ message }) => JSON.stringify(plain(message))).toSorted(),
          raw.map((message) => JSON.stringify(plain(message))).toSorted(),
        );
        assert.deepEqual(await trailsOf(stage), trailsFor(items(6)));
        assert.equal((await stage.status()).state, "running");
      },
    },
    {
      title: "what cannot be read from a queue is a dead letter with its raw bytes",
      needs: ["queues", "deadLetters", "delay"],
      run: async (context) => {
        await using stage = await openStage(context, queueKeeper(work));
        const queues = stage.broker.queues!;
        const bad = unreadable("work");
        const raw = Object.values(bad).map(([message]) => message);
        await stage.until(
          queues.send(
            "work",
            raw.map((message) => ({ message })),
          ),
        );
        await stage.publish(items(3).map(Work));
        await stage.settled();
        await stage.eventually("all are dead", async () => {
          return (await queues.describeQueue("work")).deadLetters === raw.length;
        });
        const dead = await stage.until(queues.listDeadLetters("work"));
        compareLists(
          context.note,
          "raw messages and codes",
          dead
            .map(({ message, cause }) => `${cause.code} ${JSON.stringify(plain(message))}`)
            .toSorted(),
          Object.values(bad)
            .map(([message, code]) => `${code} ${JSON.stringify(plain(message))}`)
            .toSorted(),
        );
        assert.deepEqual(await trailsOf(stage), trailsFor(items(3)));
      },
    },
    {
      title: "a version that was unknown is read when the code that knows it redrives it",
      needs: ["restart"],
      run: async (context) => {
        const seen: number[] = [];
        const part = (version: 1 | 2) => {
          const Known = event("counted", item, {
            ...byKey,
            version,
            upcast: version === 1 ? {} : { 1: (old) => old },
          });
          const from = stream("counts", { Known }, { partitions: 2 });
          return consumer("reader", { from }).handle({ Known: ({ n }) => void seen.push(n) });
        };
        {
          await using older = await openStage(context, part(1));
          const headers: Header[] = [["ce_schemaversion", "2"]];
          await older.until(
            older.broker.streams!.append("counts", [
              stranger("v", '{"key":"v","n":2}', { headers }),
              stranger("v", '{"key":"v","n":1}', { id: "behind-it" }),
            ]),
          );
          await older.settled();
          assert.deepEqual(seen, []);
          const [failed] = await older.until(older.running.listParked("reader"));
          assert.equal(failed?.cause?.code, "UNKNOWN_VERSION");
        }
        await context.restart();
        await using newer = await openStage(context, part(2));
        await newer.until(newer.running.redriveParked("all"));
        await newer.settled();
        assert.deepEqual(seen, [2, 1]);
      },
    },
  ],
};

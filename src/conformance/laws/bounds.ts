/**
 * Law 12: everything is bounded. Too large is refused before it is sent; a slow consumer slows its
 * fetch; a full disk refuses appends and still takes acknowledgements and deletions.
 */

import assert from "node:assert/strict";
import { LIMITS } from "../../model/limits.ts";
import type { ErrorCode } from "../../model/errors.ts";
import type { Draft } from "../../model/message.ts";
import { queue, stream } from "../../schema/channel.ts";
import { event } from "../../schema/message-type.ts";
import { consumer } from "../../service/consumer/consumer.ts";
import type { Law } from "../law-case.ts";
import {
  Counted,
  counts,
  Echoed,
  echoes,
  items,
  queueKeeper,
  sortedTrailsOf,
  trailsFor,
  Work,
  type Schema,
} from "./declarations.ts";
import { countingReads, openStage, refused, type LawStage } from "./stage.ts";

/** Takes everything. */
const anything: Schema<any> = {
  "~standard": { version: 1, vendor: "millrace", validate: (value: any) => ({ value }) },
};
const Said = event("said", anything, { key: (data) => data.key });
const sayings = stream("sayings", { Said }, { partitions: 1 });

function nested(depth: number): unknown {
  let data: unknown = "bottom";
  for (let level = 0; level < depth; level++) data = [data];
  return data;
}

/** Small enough for a payload, and too large for a message with all that belongs to it. */
const LONG = "x".repeat(LIMITS.messageBytesMax - 100);

const TOO_LARGE: readonly (readonly [what: string, ErrorCode, Draft])[] = [
  ["payload", "TOO_LARGE", Said({ key: "a", text: LONG })],
  ["depth", "BAD_PAYLOAD", Said({ key: "a", deep: nested(LIMITS.jsonDepthMax + 1) })],
  ["key", "BAD_PAYLOAD", Said({ key: "k".repeat(LIMITS.keyBytesMax + 1) })],
];

async function kept({ broker, until }: LawStage, name: string): Promise<number> {
  const { partitions } = await until(broker.streams!.describeStream(name));
  return partitions.reduce((sum, { end }) => sum + end, 0);
}

/** Enough of them that no trail grows long. */
const KEYS = Array.from({ length: 500 }, (_, index) => `k${index}`);

export const bounds: Law = {
  topic: "law 12",
  cases: [
    {
      title: "what is too large is refused before it is sent, and keeps no other back",
      run: async (context) => {
        const reader = consumer("reader", { from: sayings }).handle({ Said: () => undefined });
        await using stage = await openStage(context, reader);
        const outcomes = await stage.attempt([
          ...TOO_LARGE.map(([, , draft]) => draft),
          Said({ key: "a" }),
        ]);
        const codes = outcomes.map((outcome) => (outcome.ok ? "sent" : outcome.error.code));
        assert.deepEqual(codes, [...TOO_LARGE.map(([, code]) => code), "sent"]);
        assert.equal(await kept(stage, "sayings"), 1);
        await stage.settled();
        assert.deepEqual(await stage.until(stage.running.listParked("reader")), []);
      },
    },
    {
      title: "a handler that emits what is too large fails, and nothing of its work takes effect",
      run: async (context) => {
        const part = consumer("sayer", {
          from: counts,
          publishes: sayings,
          policy: { attempts: 1 },
        }).handle({
          Counted: ({ key, n }, { emit }) => {
            emit(Said({ key, n }));
            if (key === "b") emit(Said({ key, text: LONG }));
          },
        });
        await using stage = await openStage(context, part);
        await stage.publish(items(2).map(Counted));
        await stage.settled();
        const [parked, ...rest] = await stage.until(stage.running.listParked("sayer"));
        assert.deepEqual([parked?.key, parked?.cause?.code, rest], ["b", "TOO_LARGE", []]);
        assert.equal(await kept(stage, "sayings"), 1);
      },
    },
    {
      title: "a full queue refuses what is sent, and takes it again when there is room",
      needs: ["queues", "deadLetters", "delay"],
      run: async (context) => {
        const narrow = queue("narrow", { Work }, { depth: 3, dedupe: false });
        const part = queueKeeper(narrow);
        await using stage = await openStage(context, part);
        await stage.until(stage.running.pause("keeper", { by: "ann", sinceMs: 0 }));
        const outcomes = await stage.attempt(items(5, ["a"]).map(Work));
        assert.deepEqual(
          outcomes.map((outcome) => (outcome.ok ? "sent" : outcome.error.code)),
          ["sent", "sent", "sent", "QUEUE_FULL", "QUEUE_FULL"],
        );
        await stage.until(stage.running.resume("keeper"));
        await stage.settled();
        await stage.publish(items(2, ["a"], 3).map(Work));
        await stage.settled();
        assert.deepEqual(await sortedTrailsOf(stage), { a: [0, 1, 2, 3, 4] });
      },
    },
    {
      // proves: back-pressure
      title: "a consumer that is slow slows its fetch, and takes up the rest when it is done",
      run: async (context) => {
        const gate = Promise.withResolvers<void>();
        let done = 0;
        let fetched = 0;
        const part = consumer("slow", { from: counts }).handle({
          Counted: async () => {
            await gate.promise;
            done++;
          },
        });
        await using stage = await openStage(context, part, {
          wrap: countingReads((count) => (fetched += count)),
        });
        const all = items(10_000, ["a", "b", "c", "d"]);
        for (let at = 0; at < all.length; at += 5000) {
          await stage.publish(all.slice(at, at + 5000).map(Counted));
        }
        await context.time.pass(60_000);
        assert.ok(fetched > 0 && fetched < 8000, `${fetched} of 10000 were fetched unhandled`);
        context.note(`${fetched} of 10000 were fetched while nothing was handled`);
        gate.resolve();
        await stage.settled();
        assert.deepEqual([done, fetched], [all.length, all.length]);
      },
    },
    {
      title: "a consumer that is slow leaves what it cannot begin in its queue",
      needs: ["queues", "deadLetters", "delay"],
      run: async (context) => {
        const gate = Promise.withResolvers<void>();
        const plenty = queue("plenty", { Work });
        const part = queueKeeper(plenty, { before: () => gate.promise });
        await using stage = await openStage(context, part);
        const all = items(3000, KEYS);
        await stage.publish(all.map(Work));
        await context.time.pass(10_000);
        const { leased, waiting } = await stage.until(stage.broker.queues!.describeQueue("plenty"));
        assert.ok(leased > 0 && leased <= 1024, `${leased} of 3000 are leased`);
        assert.equal(leased + waiting, 3000);
        gate.resolve();
        await stage.settled();
        assert.deepEqual(await sortedTrailsOf(stage, KEYS), trailsFor(all));
      },
    },
    {
      title: "on a full disk appends are refused, while leases are settled and letters discarded",
      needs: ["fullDisk", "queues", "deadLetters", "delay"],
      run: async (context) => {
        const work = queue("work", { Work }, { attempts: 1, dedupe: false });
        const echo = consumer("keeper", { from: work, publishes: echoes }).handle({
          Work: ({ key, n }, { emit }) => {
            if (n === 0) throw new Error("to the dead letters");
            emit(Echoed({ key, n }));
          },
        });
        {
          await using before = await openStage(context, echo);
          await before.publish(Work({ key: "a", n: 0 }));
          await before.settled();
          await before.until(before.running.pause("keeper", { by: "ann", sinceMs: 0 }));
          await before.publish(items(5, ["a"], 1).map(Work));
        }
        await context.fullDisk(true);
        {
          await using full = await openStage(context, echo, { channels: [echoes] });
          const queues = full.broker.queues!;
          await refused("DISK_FULL", full.publish(Work({ key: "a", n: 9 })));
          await refused("DISK_FULL", full.publish(Echoed({ key: "a", n: 9 })));
          await full.until(full.running.resume("keeper"));
          await full.eventually("all leases are settled", async () => {
            const { waiting, leased } = await queues.describeQueue("work");
            return waiting + leased === 0;
          });
          assert.equal(await full.until(queues.discardDeadLetters("work", "all")), 1);
          assert.equal(await kept(full, "echoes"), 0);
          const { inputs } = await full.status();
          await full.eventually("the status says what does not get out", async () => {
            const [input] = (await full.status()).inputs;
            return input?.unpublished !== undefined;
          });
          assert.equal(inputs.length, 1);
        }
        await context.fullDisk(false);
        await using after = await openStage(context, echo);
        await after.settled();
        assert.equal(await kept(after, "echoes"), 5);
      },
    },
  ],
};

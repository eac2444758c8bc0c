/**
 * Law 2: one key at a time, keys in parallel. Order per key survives retry, restart, rebalance and
 * redrive on streams always, on queues where the capability `keyOrder` holds.
 */

import assert from "node:assert/strict";
import { delay } from "../../model/clock.ts";
import { stream } from "../../schema/channel.ts";
import { consumer } from "../../service/consumer/consumer.ts";
import type { Part } from "../../service/part.ts";
import { badMessage } from "../../service/failure.ts";
import type { ConformanceCase } from "../case.ts";
import type { Law, LawContext, LawNeed } from "../law-case.ts";
import {
  Counted,
  counts,
  items,
  ordered,
  queueKeeper,
  streamKeeper,
  trailsFor,
  trailsOf,
  Work,
  type Item,
  type KeeperOptions,
} from "./declarations.ts";
import { openStage, type LawStage } from "./stage.ts";

type LawCase = ConformanceCase<LawContext, LawNeed>;

interface Source {
  readonly name: string;
  readonly needs: readonly LawNeed[];
  readonly keeper: (options?: KeeperOptions) => Part;
  readonly draft: (item: Item) => ReturnType<typeof Counted> | ReturnType<typeof Work>;
}

const SOURCES: readonly Source[] = [
  {
    name: "a stream",
    needs: [],
    keeper: (options) => streamKeeper(counts, options),
    draft: Counted,
  },
  {
    name: "a queue with key order",
    needs: ["keyOrder"],
    keeper: (options) => queueKeeper(ordered, options),
    draft: Work,
  },
];

const KEYS = ["a", "b", "c", "d", "e"];
const ALL = items(60, KEYS);

async function expectOrder(stage: LawStage, all: readonly Item[] = ALL): Promise<void> {
  assert.deepEqual(await trailsOf(stage, KEYS), trailsFor(all));
}

// proves: per-key-order
function inParallel(concurrency: number): LawCase {
  return {
    title: `one key at a time and in order, ${concurrency} keys of a partition in parallel`,
    run: async (context) => {
      const { clock, random } = context.environment;
      const running = new Set<string>();
      const seen = new Map<string, number[]>();
      let most = 0;
      let overlaps = 0;
      const one = stream("one", { Counted }, { partitions: 1 });
      const part = consumer("part", { from: one, concurrency }).handle({
        Counted: async ({ key, n }) => {
          if (running.has(key)) overlaps++;
          running.add(key);
          most = Math.max(most, running.size);
          await delay(clock, 1 + random.next() * 20);
          running.delete(key);
          seen.set(key, [...(seen.get(key) ?? []), n]);
        },
      });
      await using stage = await openStage(context, part);
      const all = items(240, [...Array(20).keys()].map(String));
      // Not all at once, so that some of a key come while it is being worked on.
      for (let at = 0; at < all.length; at += 40) {
        await stage.publish(all.slice(at, at + 40).map(Counted));
        await stage.eventually("it goes on", () => running.size > 0);
      }
      await stage.settled();
      assert.equal(overlaps, 0, "one key at a time");
      assert.equal(most, concurrency);
      assert.deepEqual(Object.fromEntries(seen), trailsFor(all));
    },
  };
}

const surviving: readonly LawCase[] = SOURCES.flatMap(({ name, needs, keeper, draft }) => [
  {
    title: `the order of a key of ${name} survives retries`,
    needs,
    run: async (context) => {
      const tries = new Map<number, number>();
      const part = keeper({
        before: ({ n }) => {
          const tried = (tries.get(n) ?? 0) + 1;
          tries.set(n, tried);
          if (n % 7 === 0 && tried < 3) throw new Error("not yet");
        },
      });
      await using stage = await openStage(context, part);
      await stage.publish(ALL.map(draft));
      await stage.settled();
      assert.equal(tries.get(7), 3);
      await expectOrder(stage);
    },
  },
  {
    title: `the order of a key of ${name} survives a restart in the middle`,
    needs: [...needs, "restart"],
    run: async (context) => {
      const { clock } = context.environment;
      let begun = 0;
      const part = keeper({
        before: (_, { signal }) => {
          begun++;
          return delay(clock, 20, signal);
        },
      });
      const before = await openStage(context, part);
      await before.publish(ALL.map(draft));
      await before.eventually("some are done", () => begun > 15);
      await before.close({ deadlineMs: 1 });
      await context.restart();
      assert.ok(begun < ALL.length, "the restart came in the middle");
      await using after = await openStage(context, part);
      await after.settled();
      await expectOrder(after);
    },
  },
  {
    title: `a redrive keeps the order of a key of ${name}, and arrivals join the tail`,
    needs,
    run: async (context) => {
      const { clock } = context.environment;
      let broken = true;
      const part = keeper({
        policy: { attempts: 1 },
        before: async ({ key, n }) => {
          if (broken && key === "a" && n % 10 === 0) throw badMessage("not this one");
          if (!broken) await delay(clock, 10);
        },
      });
      await using stage = await openStage(context, part);
      await stage.publish(ALL.map(draft));
      await stage.settled();
      assert.equal((await trailsOf(stage, KEYS))["a"], undefined);
      broken = false;
      assert.equal(await stage.until(stage.running.redriveParked("all")), ALL.length / KEYS.length);
      await context.time.pass(30);
      const more = items(5, ["a"], 1000);
      await stage.publish(more.map(draft));
      await stage.settled();
      await expectOrder(stage, [...ALL, ...more]);
      assert.deepEqual(await stage.until(stage.running.listParked("keeper")), []);
    },
  },
]);

const rebalanced: LawCase = {
  title: "the order of a key survives a rebalance",
  run: async (context) => {
    const { clock, ids } = context.environment;
    let handled = 0;
    const part = streamKeeper(counts, {
      before: async () => {
        await delay(clock, 20);
        handled++;
      },
    });
    await using stage = await openStage(context, part);
    await stage.publish(ALL.map(Counted));
    const streams = stage.broker.streams!;
    let taken = 0;
    // A member of the same group that is given partitions, does nothing with them, and leaves.
    for (let round = 1; round <= 3; round++) {
      await stage.eventually("some are handled", () => handled >= round * 12);
      const intruder = await stage.until(
        streams.joinGroup({
          group: "laws.keeper",
          streams: ["counts"],
          member: ids.newId(),
          run: ({ revoked }) => {
            taken++;
            return new Promise((resolve) => {
              revoked.addEventListener("abort", () => resolve(), { once: true });
            });
          },
        }),
      );
      await stage.eventually("a partition has moved", () => taken >= round);
      await stage.until(intruder.close());
    }
    await stage.settled();
    await expectOrder(stage);
    context.note(`${taken} partitions moved away and back`);
  },
};

export const keyOrder: Law = {
  topic: "law 2",
  cases: [...[1, 4, 16].map(inParallel), ...surviving, rebalanced],
};

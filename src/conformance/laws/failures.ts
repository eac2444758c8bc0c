/** Law 3, first half: the four kinds of failure, and what the policies make of a key that fails. */

import assert from "node:assert/strict";
import { delay } from "../../model/clock.ts";
import { queue } from "../../schema/channel.ts";
import { badMessage, dependencyDown } from "../../service/failure.ts";
import type { Law } from "../law-case.ts";
import {
  Counted,
  counts,
  items,
  ordered,
  queueKeeper,
  sortedTrailsOf,
  streamKeeper,
  trailsFor,
  trailsOf,
  Work,
  work,
  type KeeperCall,
} from "./declarations.ts";
import { openStage, pausedOf } from "./stage.ts";

const NINE = items(9);
const OTHERS = { b: [1, 4, 7], c: [2, 5, 8] };

export const failures: Law = {
  topic: "law 3",
  cases: [
    {
      title: "a bad message parks its key at once, without a second try, and the others flow",
      run: async (context) => {
        let tries = 0;
        const part = streamKeeper(counts, {
          before: ({ n }) => {
            if (n !== 0) return;
            tries++;
            throw badMessage("no such customer");
          },
        });
        await using stage = await openStage(context, part);
        await stage.publish(NINE.map(Counted));
        await stage.settled();
        assert.equal(tries, 1);
        assert.deepEqual(await trailsOf(stage), OTHERS);
        const parked = await stage.until(stage.running.listParked("keeper"));
        assert.deepEqual(
          parked.map(({ key, cause }) => [key, cause?.kind, cause?.code, cause?.attempts]),
          [
            ["a", "bad-message", "BAD_MESSAGE", 1],
            ["a", undefined, undefined, undefined],
            ["a", undefined, undefined, undefined],
          ],
        );
      },
    },
    {
      // proves: simple-processing
      title: "a bug is tried again with growing pauses and jitter, then parks its key",
      run: async (context) => {
        const { clock } = context.environment;
        const tries: number[] = [];
        const part = streamKeeper(counts, {
          policy: { attempts: 4, backoffMs: 1000 },
          before: ({ n }) => {
            if (n !== 0) return;
            tries.push(clock.monotonic());
            throw new TypeError("cannot read x");
          },
        });
        await using stage = await openStage(context, part);
        await stage.publish(NINE.map(Counted));
        await stage.settled();
        const pauses = tries.slice(1).map((at, index) => at - tries[index]!);
        assert.equal(pauses.length, 3);
        pauses.forEach((pause, index) => {
          const full = 1000 * 2 ** index;
          // The stack's own work stands between, so the upper bound leaves it room.
          assert.ok(pause >= full / 2 && pause <= full * 1.5, `pause ${index} took ${pause} ms`);
        });
        assert.ok(
          pauses.some((pause, index) => pause < 1000 * 2 ** index),
          "no pause was shortened",
        );
        assert.deepEqual(await trailsOf(stage), OTHERS);
        const [failed, ...waiting] = await stage.until(stage.running.listParked("keeper"));
        const { kind, code, attempts } = failed!.cause!;
        assert.deepEqual([kind, code, attempts], ["bug", "TypeError", 4]);
        assert.deepEqual(
          waiting.map(({ cause }) => cause),
          [undefined, undefined],
        );
      },
    },
    {
      title: "a dependency that is down pauses and probes, parks nothing, and then all goes on",
      run: async (context) => {
        let down = true;
        let tries = 0;
        const part = streamKeeper(counts, {
          before: () => {
            tries++;
            if (down) throw dependencyDown("the bank does not answer");
          },
        });
        await using stage = await openStage(context, part);
        await stage.publish(NINE.map(Counted));
        await stage.eventually("it is tried", () => tries > 0);
        await context.time.pass(30_000);
        const begun = tries;
        await context.time.pass(60_000);
        assert.ok(tries > begun && tries < 100, `${begun} tries, then ${tries}`);
        const status = await stage.status();
        assert.deepEqual([status.state, status.failed], ["paused", 0]);
        assert.match(pausedOf(status), /the bank does not answer/);
        down = false;
        await stage.settled();
        assert.deepEqual(await trailsOf(stage), trailsFor(NINE));
        assert.deepEqual(await stage.until(stage.running.listParked("keeper")), []);
        assert.equal((await stage.status()).state, "running");
      },
    },
    {
      title: "what is called off is not counted as a try",
      needs: ["restart", "queues", "deadLetters", "delay", "attemptCount"],
      run: async (context) => {
        const { clock } = context.environment;
        const attempts: number[] = [];
        let slow = true;
        const before = (_: unknown, { attempt, signal }: KeeperCall): Promise<void> => {
          attempts.push(attempt);
          return delay(clock, slow ? 60_000 : 1, signal);
        };
        const single = queue("single", { Work }, { attempts: 1, dedupe: false });
        const parts = [
          streamKeeper(counts, { policy: { attempts: 1 }, before }),
          queueKeeper(single, { before }),
        ];
        for (const [index, part] of parts.entries()) {
          slow = true;
          attempts.length = 0;
          const stopped = await openStage(context, part);
          const drafts = items(3, ["a", "b", "c"], 10 * index);
          await stopped.publish(index === 0 ? drafts.map(Counted) : drafts.map(Work));
          await stopped.eventually("all have begun", () => attempts.length === 3);
          await stopped.close({ deadlineMs: 50 });
          await context.restart();
          slow = false;
          await using after = await openStage(context, part);
          await after.settled();
          assert.deepEqual(attempts, [1, 1, 1, 1, 1, 1]);
          assert.deepEqual(await after.until(after.running.listParked("keeper")), []);
          const last = Object.values(await trailsOf(after)).map((ns) => ns.at(-1));
          assert.deepEqual(new Set(last), new Set(drafts.map(({ n }) => n)));
        }
      },
    },
    {
      title: "under the policy block nothing of the partition passes the failed message",
      run: async (context) => {
        let broken = true;
        let tries = 0;
        const part = streamKeeper(counts, {
          policy: { onFailure: "block" },
          before: ({ n }) => {
            if (n !== 0 || !broken) return;
            tries++;
            throw badMessage("wrong");
          },
        });
        await using stage = await openStage(context, part);
        await stage.publish(Counted({ key: "a", n: 0 }));
        await stage.eventually("it blocks", async () =>
          /blocks/.test(pausedOf(await stage.status())),
        );
        await stage.publish(items(4, ["a"], 1).map(Counted));
        await context.time.pass(60_000);
        assert.ok(tries > 1, "it is tried again and again");
        assert.deepEqual(await trailsOf(stage), {});
        assert.match(pausedOf(await stage.status()), /blocks: wrong/);
        assert.deepEqual(await stage.until(stage.running.listParked("keeper")), []);
        broken = false;
        await stage.settled();
        assert.deepEqual(await trailsOf(stage), { a: [0, 1, 2, 3, 4] });
      },
    },
    {
      title: "under the policy skip the failed message alone is set aside",
      run: async (context) => {
        const part = streamKeeper(counts, {
          policy: { onFailure: "skip" },
          before: ({ n }) => {
            if (n === 1) throw badMessage("wrong");
          },
        });
        await using stage = await openStage(context, part);
        const published = await stage.publish(items(4, ["a"]).map(Counted));
        await stage.settled();
        assert.deepEqual(await trailsOf(stage), { a: [0, 2, 3] });
        const parked = await stage.until(stage.running.listParked("keeper"));
        assert.deepEqual(
          parked.map(({ incoming }) => incoming.id),
          [published[1]!.id],
        );
      },
    },
    {
      // proves: simple-processing
      title: "a queue's failures go to its dead letters after its attempts, and no row is parked",
      needs: ["queues", "deadLetters", "delay", "attemptCount"],
      run: async (context) => {
        let broken = true;
        const tries: number[] = [];
        const part = queueKeeper(work, {
          before: ({ n }) => {
            tries.push(n);
            if (broken && n === 0) throw new Error("broken");
            if (broken && n === 1) throw badMessage("never");
          },
        });
        await using stage = await openStage(context, part);
        const { queues } = stage.broker;
        await stage.publish(items(4, ["a"]).map(Work));
        await stage.eventually("two are dead", async () => {
          return (await queues!.describeQueue("work")).deadLetters === 2;
        });
        await stage.settled();
        const count = (wanted: number): number => tries.filter((n) => n === wanted).length;
        assert.deepEqual([0, 1, 2, 3].map(count), [3, 1, 1, 1]);
        const dead = await stage.until(queues!.listDeadLetters("work"));
        const causes = dead.map(({ cause, attempts }) => [cause.code, attempts] as const);
        assert.deepEqual(Object.fromEntries(causes), { BAD_MESSAGE: 1, Error: 3 });
        assert.deepEqual(await stage.until(stage.running.listParked("keeper")), []);
        assert.deepEqual(await sortedTrailsOf(stage), { a: [2, 3] });
        broken = false;
        await stage.until(queues!.redriveDeadLetters("work", "all"));
        await stage.settled();
        assert.deepEqual(await sortedTrailsOf(stage), { a: [0, 1, 2, 3] });
      },
    },
    {
      title: "a queue with key order parks in the store, and later messages of the key wait",
      needs: ["keyOrder"],
      run: async (context) => {
        const part = queueKeeper(ordered, {
          policy: { attempts: 2 },
          before: ({ n }) => {
            if (n === 0) throw new Error("broken");
          },
        });
        await using stage = await openStage(context, part);
        await stage.publish(NINE.map(Work));
        await stage.settled();
        assert.deepEqual(await trailsOf(stage), OTHERS);
        assert.equal((await stage.until(stage.running.listParked("keeper"))).length, 3);
        const { deadLetters, waiting, leased } = await stage.until(
          stage.broker.queues!.describeQueue("ordered"),
        );
        assert.deepEqual([deadLetters, waiting, leased], [0, 0, 0]);
      },
    },
  ],
};

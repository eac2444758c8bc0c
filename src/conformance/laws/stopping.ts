/** Law 5: stop means stop fetching, finish, commit, release, then abort at the deadline. */

import assert from "node:assert/strict";
import { delay } from "../../model/clock.ts";
import type { Law } from "../law-case.ts";
import {
  Counted,
  counts,
  items,
  queueKeeper,
  streamKeeper,
  trailsFor,
  trailsOf,
  Work,
  work,
} from "./declarations.ts";
import { openStage } from "./stage.ts";

const NINE = items(9);

export const stopping: Law = {
  topic: "law 5",
  cases: [
    {
      title: "a stop finishes and commits what has begun, and begins nothing more",
      needs: ["restart"],
      run: async (context) => {
        const { clock } = context.environment;
        const begun: number[] = [];
        const finished: number[] = [];
        const part = streamKeeper(counts, {
          concurrency: 1,
          before: async ({ n }, { signal }) => {
            begun.push(n);
            await delay(clock, 1000, signal);
            finished.push(n);
          },
        });
        const before = await openStage(context, part);
        await before.publish(NINE.map(Counted));
        await before.eventually("one has begun", () => begun.length > 0);
        await before.until(before.running.stop({ deadlineMs: 60_000 }));
        const left = finished.length;
        assert.deepEqual(begun, finished, "what was begun is finished");
        assert.ok(left > 0 && left < 9, `${left} of 9 were handled`);
        assert.deepEqual(
          await trailsOf(before),
          trailsFor(NINE.filter(({ n }) => finished.includes(n))),
        );
        const streams = before.broker.streams!;
        const { positions } = await before.until(streams.describeGroup("laws.keeper"));
        const progress = await before.until(before.store.listProgress());
        assert.ok(progress.length > 0);
        for (const { input, position } of progress) {
          const group = positions.find((each) => `${each.stream}/${each.partition}` === input);
          assert.equal(group?.committed, position, "the group was told before it was left");
        }
        assert.ok(positions.every(({ member }) => member === undefined));
        await context.time.pass(10_000);
        assert.equal(begun.length, left);
        await before.close();
        await context.restart();
        await using after = await openStage(context, part);
        await after.settled();
        assert.deepEqual(await trailsOf(after), trailsFor(NINE));
        assert.equal(finished.length, 9, "and each of them once");
      },
    },
    {
      title: "what a stop leaves of a queue is released at once, and no try is counted",
      needs: ["queues", "deadLetters", "delay", "attemptCount"],
      run: async (context) => {
        const { clock } = context.environment;
        let begun = 0;
        const part = queueKeeper(work, {
          concurrency: 1,
          before: (_, { signal }) => {
            begun++;
            return delay(clock, 60_000, signal);
          },
        });
        await using stage = await openStage(context, part);
        await stage.publish(items(6).map(Work));
        await stage.eventually("one has begun", () => begun > 0);
        await stage.until(stage.running.stop({ deadlineMs: 100 }));
        const queues = stage.broker.queues!;
        const { waiting, leased, delayed, deadLetters } = await stage.until(
          queues.describeQueue("work"),
        );
        assert.deepEqual([waiting, leased, delayed, deadLetters], [6, 0, 0, 0]);
        const receiver = await stage.until(queues.receive("work", { credit: 10 }));
        const attempts: number[] = [];
        for await (const leases of receiver) {
          attempts.push(...leases.map(({ attempt }) => attempt));
          if (attempts.length === 6) break;
        }
        await stage.until(receiver.close());
        assert.deepEqual(attempts, [1, 1, 1, 1, 1, 1]);
      },
    },
    {
      title: "at the deadline of a stop the work is aborted; it parks nothing, and comes again",
      needs: ["restart"],
      run: async (context) => {
        const { clock } = context.environment;
        let aborted = 0;
        let begun = 0;
        let slow = true;
        const part = streamKeeper(counts, {
          policy: { attempts: 1 },
          before: async (_, { signal }) => {
            begun++;
            await delay(clock, slow ? 3_600_000 : 1, signal).catch((error: unknown) => {
              aborted++;
              throw error;
            });
          },
        });
        const before = await openStage(context, part);
        await before.publish(items(6).map(Counted));
        await before.eventually("all keys have begun", () => begun === 3);
        const stopMs = context.time.now();
        const stopped = before.running.stop({ deadlineMs: 5000 });
        await context.time.pass(4000);
        assert.equal(aborted, 0, "nothing is aborted before the deadline");
        await before.until(stopped);
        const tookMs = context.time.now() - stopMs;
        assert.ok(tookMs >= 5000 && tookMs < 30_000, `the stop took ${tookMs} ms`);
        assert.equal(aborted, 3);
        assert.deepEqual(await trailsOf(before), {});
        await before.close();
        await context.restart();
        slow = false;
        await using after = await openStage(context, part);
        await after.settled();
        assert.deepEqual(await trailsOf(after), trailsFor(items(6)));
        assert.deepEqual(await after.until(after.running.listParked("keeper")), []);
      },
    },
  ],
};

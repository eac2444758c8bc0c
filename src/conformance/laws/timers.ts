/** Law 8: timers are durable, leased, and end with their instance. */

import assert from "node:assert/strict";
import { stream } from "../../schema/channel.ts";
import { event, timer } from "../../schema/message-type.ts";
import type { Part } from "../../service/part.ts";
import { after, end } from "../../saga/actions.ts";
import { saga } from "../../saga/saga.ts";
import { timersLease } from "../../store/timers-lease.ts";
import type { Law } from "../law-case.ts";
import { byKey, Counted, item } from "./declarations.ts";
import { openStage, type LawStage } from "./stage.ts";

const MINUTE_MS = 60_000;
const Ended = event("ended", item, byKey);
const Due = timer("due", item);
const begun = stream("begun", { Counted, Ended }, { partitions: 2 });

type Fired = readonly [instance: string, n: number];

/** Sets a timer of a minute at each Counted, and ends at Ended. */
function reminder(fired: Fired[]): Part {
  return saga("reminder", { from: begun, timers: { Due }, initial: {} })
    .evolve({})
    .react({
      Counted: (data) => after("1m", Due(data)),
      Ended: () => end(),
      Due: ({ n }, _, { instance }) => void fired.push([instance, n]),
    });
}

async function begin(stage: LawStage, ...keys: readonly string[]): Promise<void> {
  await stage.publish(keys.map((key, n) => Counted({ key, n })));
  await stage.settled();
}

async function waiting({ store, until }: LawStage): Promise<readonly string[]> {
  return (await until(store.listTimers("reminder"))).map(({ instance }) => instance);
}

export const timers: Law = {
  topic: "law 8",
  cases: [
    {
      title: "a timer survives a restart, fires once when it is due, and not before",
      needs: ["restart"],
      run: async (context) => {
        const fired: Fired[] = [];
        {
          await using before = await openStage(context, reminder(fired));
          await begin(before, "a", "b");
          assert.deepEqual(await waiting(before), ["a", "b"]);
        }
        await context.restart();
        {
          await using stage = await openStage(context, reminder(fired));
          const dues = (await stage.until(stage.store.listTimers("reminder"))).map(
            ({ dueMs }) => dueMs,
          );
          await context.time.pass(Math.min(...dues) - context.time.now() - 5000);
          await stage.settled();
          assert.deepEqual(fired, []);
          await context.time.pass(10_000);
          await stage.settled();
          assert.deepEqual(Object.fromEntries(fired), { a: 0, b: 1 });
          assert.equal(fired.length, 2);
          assert.deepEqual(await waiting(stage), []);
        }
        await context.restart();
        await using stage = await openStage(context, reminder(fired));
        await context.time.pass(10 * MINUTE_MS);
        await stage.settled();
        assert.equal(fired.length, 2);
      },
    },
    {
      title: "a timer that fell due while nothing ran fires at the start",
      needs: ["restart"],
      run: async (context) => {
        const fired: Fired[] = [];
        {
          await using before = await openStage(context, reminder(fired));
          await begin(before, "a");
        }
        await context.restart();
        await context.time.pass(60 * MINUTE_MS);
        assert.deepEqual(fired, []);
        await using stage = await openStage(context, reminder(fired));
        await stage.settled();
        assert.deepEqual(fired, [["a", 0]]);
      },
    },
    {
      title: "only who holds the lease fires; when it ends the next one does",
      run: async (context) => {
        const fired: Fired[] = [];
        await using stage = await openStage(context, reminder(fired));
        await begin(stage, "a");
        const lease = (ms: number): Promise<boolean> =>
          stage.until(stage.store.leaseLane(timersLease("reminder"), "another", ms));
        assert.equal(await lease(90_000), false, "the service has the lease");
        await stage.eventually("the idle lease ends", () => lease(90_000));
        await context.time.pass(75_000);
        assert.deepEqual(fired, [], "due, and another's to fire");
        await context.time.pass(15_000);
        await stage.eventually("the lease is the service's again", () => fired.length > 0);
        await stage.settled();
        assert.deepEqual(fired, [["a", 0]]);
      },
    },
    {
      title: "an instance that ends takes its timers along, and nothing begins it anew",
      run: async (context) => {
        const fired: Fired[] = [];
        await using stage = await openStage(context, reminder(fired));
        await begin(stage, "ended", "left");
        await stage.publish(Ended({ key: "ended", n: 0 }));
        await stage.settled();
        assert.deepEqual(await waiting(stage), ["left"]);
        await context.time.pass(2 * MINUTE_MS);
        await stage.settled();
        assert.deepEqual(fired, [["left", 1]]);
        await begin(stage, "ended");
        assert.deepEqual(await waiting(stage), []);
        const shown = await stage.until(stage.running.showSaga("reminder", "ended"));
        assert.equal(shown.status, "ended");
      },
    },
  ],
};

/** A consumer that is forgotten altogether, and all that stays. */

import assert from "node:assert/strict";
import type { Store } from "../../store/store.ts";
import { timersLease } from "../../store/timers-lease.ts";
import { compareLists } from "../case.ts";
import { message } from "../messages.ts";
import { statusesOf, type StoreTopic } from "../store-case.ts";
import {
  COLLECTION,
  document,
  incoming,
  input,
  marked,
  outgoing,
  parked,
  set,
  timer,
  withCollection,
  writing,
} from "./sets.ts";

/** The last one is forgotten: what a store keys by a number of its own may come to have it again. */
const CONSUMERS = ["kept", "refunds"];

/** Both consumers with something everywhere, on two inputs. */
async function withEverything(store: Store): Promise<void> {
  await withCollection(store);
  for (const consumer of CONSUMERS) {
    for (const [part, name] of ["orders/0", "orders/1"].entries()) {
      const finishes = [incoming(0, "stranger"), marked(0, { offset: 1 }), incoming(2, "parked")];
      const document0 = document(`${consumer}-${part}`, 0, { status: "new" });
      const entity = `${consumer}-${part}`;
      const outcome = await store.apply({
        input: input({ consumer, input: name, epoch: 5 }),
        lane: "out",
        sets: [
          set("all", {
            finishes,
            documents: [document0],
            events: [{ entity, expected: 0, events: [message("event")] }],
            outgoing: [outgoing(entity)],
            timers: [timer(`t${part}`, 10, { consumer })],
            effects: [{ consumer, message: `m${part}`, name: "pay", json: "1", atMs: 1 }],
            park: [parked("a", 2, true)],
          }),
        ],
      });
      assert.equal(statusesOf(outcome), "all applied");
    }
  }
}

/** How much of each kind is kept for the consumer. */
async function countsOf(store: Store, consumer: string): Promise<Record<string, number>> {
  const progress = await store.listProgress();
  const { lanes, epoch } = await store.readProgress(consumer, "orders/1");
  return {
    progress: progress.filter((one) => one.consumer === consumer).length,
    epoch,
    lanes: lanes.size,
    seen: (await store.seenIds(consumer, "orders/0", ["stranger"])).size,
    timers: (await store.listTimers(consumer)).length,
    effects: (await store.readEffects(consumer, ["m0", "m1"])).size,
    parked: (await store.listParked({ consumer })).length,
    parkedKeys: (await store.parkedKeys(consumer, "orders/0")).size,
  };
}

const EVERYTHING = {
  progress: 2,
  epoch: 5,
  lanes: 1,
  seen: 1,
  timers: 2,
  effects: 2,
  parked: 2,
  parkedKeys: 1,
};
const NOTHING = Object.fromEntries(Object.keys(EVERYTHING).map((kind) => [kind, 0]));

export const forgetting: StoreTopic = {
  topic: "forgetting a consumer",
  cases: [
    {
      title: "the lease on its timers ends with it, and no other's",
      run: async (context) => {
        const store = context.store();
        for (const consumer of CONSUMERS) {
          assert.equal(await store.leaseLane(timersLease(consumer), "one", 60_000), true);
        }
        const lane = set("a", { outgoing: [outgoing("m")] });
        await store.apply({ lane: "refunds/orders/0", sets: [lane] });
        await store.forgetConsumer("refunds");
        assert.equal(await store.leaseLane(timersLease("kept"), "another", 60_000), false);
        assert.equal(await store.leaseLane(timersLease("refunds"), "another", 60_000), true);
        assert.deepEqual(await store.pendingLanes(), ["refunds/orders/0"]);
      },
    },
    {
      title: "its progress, inbox, timers, effects and parked messages go; all else stays",
      needs: ["restart"],
      run: async (context) => {
        await withEverything(context.store());
        for (const consumer of CONSUMERS) {
          assert.deepEqual(await countsOf(context.store(), consumer), EVERYTHING);
        }
        await context.store().forgetConsumer("refunds");
        await context.store().forgetConsumer("nobody");
        assert.deepEqual(await countsOf(context.store(), "refunds"), NOTHING);
        await context.suffer("restart");
        const store = await withCollection(context.store());
        assert.deepEqual(await countsOf(store, "refunds"), NOTHING);
        assert.deepEqual(await countsOf(store, "kept"), EVERYTHING);
        assert.equal(await store.countDocuments(COLLECTION), 4);
        const events = await store.readEvents();
        compareLists(
          context.note,
          "events",
          events.map(({ entity }) => entity),
          ["kept-0", "kept-1", "refunds-0", "refunds-1"],
        );
        const rows = await store.readOutbox("out", 100);
        assert.equal(rows.flatMap((row) => row.messages).length, 4);
      },
    },
    {
      title: "it begins anew: another log, an older epoch, and every message counts again",
      run: async (context) => {
        const store = context.store();
        await withEverything(store);
        assert.deepEqual(await countsOf(store, "refunds"), EVERYTHING);
        await store.forgetConsumer("refunds");
        const outcome = await store.apply({
          input: input({ log: "another/orders/1", epoch: 1 }),
          sets: [
            writing("a", { finishes: [incoming(0, "stranger"), incoming(3, "newcomer")] }),
            writing("b", { finishes: [marked(0, { offset: 1 })] }),
            set("c", { finishes: [incoming(2, "parked")], park: [parked("a", 2, false)] }),
          ],
        });
        assert.equal(statusesOf(outcome), "a applied, b applied, c applied");
        assert.equal(outcome.position, 4);
        const seen = await store.seenIds("refunds", "orders/0", ["stranger", "newcomer", "other"]);
        compareLists(context.note, "seen", [...seen].toSorted(), ["newcomer", "stranger"]);
        assert.equal((await store.listParked({ consumer: "refunds" })).length, 1);
      },
    },
  ],
};

/** Timers that fire: each counts once, and not at all if it was ended or replaced meanwhile. */

import assert from "node:assert/strict";
import type { Store } from "../../store/store.ts";
import type { TimerCancel, WriteSet } from "../../store/write-set.ts";
import { compareLists } from "../case.ts";
import { message, textOf } from "../messages.ts";
import { statusesOf, type StoreTopic } from "../store-case.ts";
import {
  applyInput,
  applySets,
  CAUSE,
  COLLECTION,
  document,
  fired,
  set,
  timer,
  TIMERS,
  withCollection,
  writing,
} from "./sets.ts";

const DUE = timer("due", 10, { id: "due-1" });
const AGAIN = timer("due", 20, { id: "due-2" });
const END: TimerCancel = { consumer: "refunds", instance: "o1", name: "due" };
const END_ALL: TimerCancel = { consumer: "refunds", instance: "o1" };

/** A store with a collection and the timer `DUE`. */
async function withTimer(store: Store): Promise<Store> {
  await withCollection(store);
  await applySets(store, set("setting", { timers: [DUE] }));
  return store;
}

/** Fires `DUE` and writes a document. */
function firing(key: string, more: Partial<WriteSet> = {}): WriteSet {
  return writing(key, { finishes: [fired(DUE)], ...more });
}

function fire(store: Store, ...sets: readonly WriteSet[]): ReturnType<Store["apply"]> {
  return applyInput(store, TIMERS, ...sets);
}

async function idsOf(store: Store): Promise<string[]> {
  return (await store.listTimers("refunds")).map(({ id }) => id);
}

async function isWritten(store: Store, id: string): Promise<boolean> {
  return (await store.getDocuments(COLLECTION, [id])).has(id);
}

export const firings: StoreTopic = {
  topic: "firing timers",
  cases: [
    {
      title: "a timer that fired is gone, and firing it again does nothing, also after a restart",
      needs: ["restart"],
      run: async (context) => {
        await withTimer(context.store());
        assert.equal(statusesOf(await fire(context.store(), firing("once"))), "once applied");
        assert.deepEqual(await idsOf(context.store()), []);
        await context.suffer("restart");
        const store = await withCollection(context.store());
        const again = await fire(store, firing("twice"));
        assert.deepEqual(again.sets, [{ key: "twice", status: "duplicate", settled: ["due-1"] }]);
        assert.equal(await isWritten(store, "once"), true);
        assert.equal(await isWritten(store, "twice"), false);
      },
    },
    {
      title: "of two batches that fire one timer, one applies",
      run: async (context) => {
        const store = await withTimer(context.store());
        const outcomes = await Promise.all(["one", "two"].map((key) => fire(store, firing(key))));
        compareLists(context.note, "outcomes", outcomes.map(statusesOf).toSorted(), [
          "one applied",
          "two duplicate",
        ]);
        assert.equal(await store.countDocuments(COLLECTION), 1);
      },
    },
    {
      title: "a timer that was replaced while it fired does nothing, and the new one stays",
      run: async (context) => {
        const store = await withTimer(context.store());
        await applySets(store, set("replacing", { timers: [AGAIN] }));
        assert.equal(statusesOf(await fire(store, firing("old"))), "old duplicate");
        assert.deepEqual(await idsOf(store), ["due-2"]);
        const current = writing("new", { finishes: [fired(AGAIN)] });
        assert.equal(statusesOf(await fire(store, current)), "new applied");
        assert.deepEqual(await idsOf(store), []);
      },
    },
    {
      title: "a timer that was ended while it fired does nothing, alone or with its instance",
      run: async (context) => {
        for (const [key, cancel] of [
          ["by name", END],
          ["with its instance", END_ALL],
        ] as const) {
          const store = await withTimer(context.store());
          await applySets(store, set("ending", { timers: [cancel] }));
          assert.equal(statusesOf(await fire(store, firing(key))), `${key} duplicate`);
          assert.equal(await isWritten(store, key), false);
        }
      },
    },
    {
      title: "a firing may set its timer anew, and end its instance",
      run: async (context) => {
        const store = await withTimer(context.store());
        const renewed = await fire(store, firing("renewing", { timers: [AGAIN] }));
        assert.equal(statusesOf(renewed), "renewing applied");
        assert.deepEqual(await idsOf(store), ["due-2"]);
        const sameId = { finishes: [fired(AGAIN)], timers: [{ ...AGAIN, dueMs: 70 }] };
        assert.equal(statusesOf(await fire(store, set("same id", sameId))), "same id applied");
        assert.equal(await store.nextTimerMs("refunds"), 70);
        const other = timer("other", 5);
        await applySets(store, set("setting", { timers: [other] }));
        const ending = writing("ending", { finishes: [fired(AGAIN)], timers: [END_ALL] });
        assert.equal(statusesOf(await fire(store, ending)), "ending applied");
        assert.deepEqual(await idsOf(store), []);
      },
    },
    {
      title: "within one batch a set sees what the sets before it did to its timer",
      run: async (context) => {
        const before: readonly (readonly [string, WriteSet, string])[] = [
          ["fired", firing("first"), "duplicate"],
          ["replaced", set("first", { timers: [AGAIN] }), "duplicate"],
          ["ended", set("first", { timers: [END] }), "duplicate"],
          ["instance ended", set("first", { timers: [END_ALL] }), "duplicate"],
          ["other ended", set("first", { timers: [{ ...END, name: "other" }] }), "applied"],
          ["other instance", set("first", { timers: [{ ...END_ALL, instance: "o2" }] }), "applied"],
          ["other consumer", set("first", { timers: [{ ...END, consumer: "x" }] }), "applied"],
          ["set again", set("first", { timers: [END_ALL, DUE] }), "applied"],
        ];
        for (const [name, first, status] of before) {
          const store = await withTimer(context.store());
          await store.dropCollection(COLLECTION);
          await withCollection(store);
          const outcome = await fire(store, first, firing("second"));
          assert.equal(statusesOf(outcome), `first applied, second ${status}`, name);
          assert.equal(await isWritten(store, "second"), status === "applied", name);
        }
        const store = await withTimer(context.store());
        const outcome = await fire(
          store,
          set("replacing", { timers: [AGAIN] }),
          set("firing", { finishes: [fired(AGAIN)], timers: [timer("next", 30)] }),
          set("again", { finishes: [fired(AGAIN)], timers: [timer("never", 30)] }),
        );
        assert.equal(statusesOf(outcome), "replacing applied, firing applied, again duplicate");
        assert.deepEqual(await idsOf(store), ["next"]);
        const mixed = await fire(
          store,
          set("one", { timers: [DUE] }),
          set("all", { timers: [END_ALL, AGAIN] }),
          set("old", { finishes: [fired(DUE)] }),
          writing("current", { finishes: [fired(AGAIN)], timers: [DUE] }),
          set("end", { timers: [END_ALL] }),
          writing("ended", { finishes: [fired(DUE)] }),
        );
        assert.equal(
          statusesOf(mixed),
          "one applied, all applied, old applied, current applied, end applied, ended duplicate",
        );
        assert.deepEqual(await idsOf(store), []);
      },
    },
    {
      title: "a firing that is left out leaves its timer, for the sets behind it as well",
      run: async (context) => {
        const store = await withTimer(context.store());
        const conflict = set("conflict", {
          finishes: [fired(DUE)],
          documents: [document("d", 7, {})],
          timers: [AGAIN],
        });
        assert.equal(statusesOf(await fire(store, conflict)), "conflict conflict");
        assert.deepEqual(await idsOf(store), ["due-1"]);
        const outcome = await fire(store, conflict, firing("behind"));
        assert.equal(statusesOf(outcome), "conflict conflict, behind applied");
      },
    },
    {
      title: "a set that fires two timers, one of them gone, leaves the other",
      run: async (context) => {
        const store = await withTimer(context.store());
        const other = timer("other", 5);
        await applySets(store, set("setting", { timers: [other] }));
        await fire(store, firing("first"));
        const both = writing("both", { finishes: [fired(DUE), fired(other)] });
        const outcome = await fire(store, both);
        assert.deepEqual(outcome.sets, [{ key: "both", status: "duplicate", settled: ["due-1"] }]);
        assert.deepEqual(await idsOf(store), ["other"]);
      },
    },
    {
      title: "a set that only settles a timer takes it away, and never the one that replaced it",
      run: async (context) => {
        const store = await withTimer(context.store());
        await applySets(store, set("replacing", { timers: [AGAIN] }));
        const settling = (key: string, which: typeof DUE): WriteSet =>
          set(key, { finishes: [fired(which)] });
        assert.equal(statusesOf(await fire(store, settling("old", DUE))), "old applied");
        assert.deepEqual(await idsOf(store), ["due-2"]);
        assert.equal(statusesOf(await fire(store, settling("new", AGAIN))), "new applied");
        assert.deepEqual(await idsOf(store), []);
      },
    },
    {
      title: "a firing that parks takes the timer away and leaves a row, once",
      needs: ["restart"],
      run: async (context) => {
        await withTimer(context.store());
        const parking = (key: string): WriteSet =>
          set(key, {
            finishes: [fired(DUE)],
            park: [{ key: "o1", incoming: fired(DUE), message: message("due"), cause: CAUSE }],
          });
        const outcome = await fire(context.store(), parking("parks"));
        assert.equal(statusesOf(outcome), "parks applied");
        assert.equal(statusesOf(await fire(context.store(), parking("again"))), "again duplicate");
        await context.suffer("restart");
        const store = await withCollection(context.store());
        assert.deepEqual(await idsOf(store), []);
        const rows = await store.listParked({ consumer: "refunds", input: "timers" });
        compareLists(
          context.note,
          "parked",
          rows.map((row) => [row.key, row.incoming, textOf(row.message), row.cause]),
          [["o1", fired(DUE), "due", CAUSE]],
        );
        const work = writing("redriven", { unpark: rows.map(({ row }) => row) });
        assert.equal(statusesOf(await fire(store, work)), "redriven applied");
        assert.deepEqual(await store.listParked(), []);
      },
    },
    {
      title: "timers are no stream and no strangers: no position, no place in the window of ids",
      run: async (context) => {
        const store = await withTimer(context.store());
        const outcome = await fire(store, firing("once"));
        assert.equal("position" in outcome, false);
        assert.deepEqual(await store.listProgress(), []);
        const { progress, lanes } = await store.readProgress("refunds", "timers");
        assert.deepEqual([progress, lanes.size], [undefined, 0]);
        assert.equal((await store.seenIds("refunds", "timers", ["due-1"])).size, 0);
        // So a timer that is set again under the same id fires again.
        await applySets(store, set("setting", { timers: [DUE] }));
        assert.equal(statusesOf(await fire(store, firing("second"))), "second applied");
      },
    },
  ],
};

/** The inbox: the same message twice counts once, by its sender's lane or by its id. */

import assert from "node:assert/strict";
import { laneKey } from "../../store/progress.ts";
import { compareLists } from "../case.ts";
import { statusesOf, type StoreTopic } from "../store-case.ts";
import {
  applyInput,
  COLLECTION,
  document,
  incoming,
  input,
  LOG,
  marked,
  QUEUE,
  set,
  withCollection,
  writing,
} from "./sets.ts";

export const inbox: StoreTopic = {
  topic: "inbox",
  cases: [
    {
      title:
        "a sender's message that comes again at a new offset counts once, also after a restart",
      needs: ["restart"],
      run: async (context) => {
        await withCollection(context.store());
        await applyInput(
          context.store(),
          input(),
          writing("a", { finishes: [marked(0, { offset: 0 })] }),
          writing("b", { finishes: [marked(1, { offset: 1 })] }),
        );
        await context.suffer("restart");
        const store = await withCollection(context.store());
        const outcome = await applyInput(
          store,
          input(),
          writing("a2", { finishes: [marked(0, { offset: 2 })] }),
          writing("c", { finishes: [marked(2, { offset: 3 })] }),
        );
        assert.equal(statusesOf(outcome), "a2 duplicate, c applied");
        const [first] = outcome.sets;
        assert.deepEqual(first?.status === "duplicate" && first.settled, ["a-0"]);
        assert.equal(outcome.position, 4, "the repetition's offset is finished all the same");
        assert.equal((await store.getDocuments(COLLECTION, ["a2"])).size, 0);
      },
    },
    {
      title: "sequences that were read and not finished stay open holes until they are",
      needs: ["restart"],
      run: async (context) => {
        await withCollection(context.store());
        const unfinished = [marked(1, { offset: 1 }), marked(3, { offset: 3 })];
        await applyInput(
          context.store(),
          input({ unfinished }),
          writing("a", { finishes: [marked(0, { offset: 0 }), marked(4, { offset: 4 })] }),
          writing("b", { finishes: [marked(2, { offset: 2 })] }),
        );
        await context.suffer("restart");
        const store = await withCollection(context.store());
        const lane = laneKey({ source: "shop", epoch: 1, lane: "a" });
        const before = await store.readProgress("refunds", "orders/0");
        assert.deepEqual(before.lanes.get(lane), { high: 4, holes: [1, 3] });
        const outcome = await applyInput(
          store,
          input(),
          writing("c", { finishes: [marked(3, { offset: 3 })] }),
          writing("d", { finishes: [marked(4, { offset: 9 })] }),
        );
        assert.equal(statusesOf(outcome), "c applied, d duplicate");
        const after = await store.readProgress("refunds", "orders/0");
        assert.deepEqual(after.lanes.get(lane), { high: 4, holes: [1] });
      },
    },
    {
      title: "a set that was left out leaves its messages open, whatever comes behind them",
      run: async (context) => {
        const store = await withCollection(context.store());
        const first = await applyInput(
          store,
          input(),
          set("a", {
            finishes: [marked(0, { offset: 0 })],
            documents: [document("o1", 9, {})],
          }),
          writing("b", { finishes: [marked(1, { offset: 1 })] }),
        );
        assert.equal(statusesOf(first), "a conflict, b applied");
        const retry = writing("a", { finishes: [marked(0, { offset: 0 })] });
        assert.equal(statusesOf(await applyInput(store, input(), retry)), "a applied");
        assert.equal(statusesOf(await applyInput(store, input(), retry)), "a duplicate");
      },
    },
    {
      title: "a repetition and a fresh message in one set: the fresh one is still to be done",
      run: async (context) => {
        const store = await withCollection(context.store());
        const [old, fresh] = [marked(0, { offset: 0 }), marked(1, { offset: 2 })];
        await applyInput(store, input(), writing("a", { finishes: [old] }));
        const again = marked(0, { offset: 1 });
        const mixed = await applyInput(store, input(), writing("b", { finishes: [again, fresh] }));
        assert.equal(statusesOf(mixed), "b duplicate");
        assert.equal(mixed.position, 2);
        const alone = await applyInput(store, input(), writing("b", { finishes: [fresh] }));
        assert.equal(statusesOf(alone), "b applied");
        assert.equal(alone.position, 3);
      },
    },
    {
      title: "within one batch a message counts once, whichever set comes first",
      run: async (context) => {
        const store = await withCollection(context.store());
        const outcome = await applyInput(
          store,
          QUEUE,
          writing("late", { finishes: [marked(5)] }),
          writing("early", { finishes: [marked(4)] }),
          writing("again", { finishes: [marked(5)] }),
          writing("x", { finishes: [{ id: "x" }] }),
          writing("y", { finishes: [{ id: "x" }] }),
        );
        assert.equal(
          statusesOf(outcome),
          "late applied, early applied, again duplicate, x applied, y duplicate",
        );
      },
    },
    {
      title: "lanes and epochs of a sender are apart",
      run: async (context) => {
        const store = await withCollection(context.store());
        const outcome = await applyInput(
          store,
          QUEUE,
          writing("a", { finishes: [marked(0)] }),
          writing("b", { finishes: [marked(0, { lane: "b" })] }),
          writing("restored", { finishes: [marked(0, { epoch: 2 })] }),
        );
        assert.equal(statusesOf(outcome), "a applied, b applied, restored applied");
        const { lanes } = await store.readProgress("refunds", "desk");
        assert.equal(lanes.size, 3);
      },
    },
    {
      title: "a stranger's message is known by its id, also after a restart",
      needs: ["restart"],
      run: async (context) => {
        await withCollection(context.store());
        const first = writing("a", { finishes: [incoming(0, "m1"), incoming(1, "m2")] });
        await applyInput(context.store(), input(), first);
        await context.suffer("restart");
        const store = await withCollection(context.store());
        const seen = await store.seenIds("refunds", "orders/0", ["m1", "m2", "m3"]);
        compareLists(context.note, "seen", [...seen].toSorted(), ["m1", "m2"]);
        assert.equal((await store.seenIds("other", "orders/0", ["m1"])).size, 0);
        const outcome = await applyInput(
          store,
          input(),
          writing("b", { finishes: [incoming(2, "m1")] }),
          set("settle", { finishes: [incoming(3, "m2")] }),
        );
        assert.equal(statusesOf(outcome), "b duplicate, settle applied");
        assert.equal(outcome.position, 4);
      },
    },
    {
      title: "the window of ids forgets the oldest by count, then all by time",
      run: async (context) => {
        const store = await withCollection(context.store());
        const { count, ms } = context.idWindow;
        const ids = Array.from({ length: count + 5 }, (_, index) => `m${index}`);
        for (const [offset, id] of ids.entries()) {
          await applyInput(store, input(), set("a", { finishes: [incoming(offset, id)] }));
        }
        const seen = await store.seenIds("refunds", "orders/0", ids);
        compareLists(context.note, "kept", [...seen], ids.slice(5));
        await context.time.pass(ms + 1);
        const last = incoming(ids.length, "fresh");
        await applyInput(store, input(), set("b", { finishes: [last] }));
        const left = await store.seenIds("refunds", "orders/0", [...ids, "fresh"]);
        assert.deepEqual([...left], ["fresh"]);
      },
    },
    {
      title: "moving a consumer makes the inbox of that input forget",
      run: async (context) => {
        const store = await withCollection(context.store());
        const finishes = [marked(0, { offset: 0 }), incoming(1, "m1")];
        await applyInput(store, input(), writing("a", { finishes }));
        await applyInput(store, input({ input: "orders/1" }), writing("b", { finishes }));
        await store.seek("refunds", "orders/0", { position: 0, log: LOG });
        const again = await applyInput(store, input(), writing("c", { finishes }));
        assert.equal(statusesOf(again), "c applied");
        const other = input({ input: "orders/1" });
        const kept = await applyInput(store, other, writing("d", { finishes }));
        assert.equal(statusesOf(kept), "d duplicate");
      },
    },
  ],
};

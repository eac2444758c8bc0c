/** Write sets: applied whole or not at all, and what stands against one never hurts another. */

import assert from "node:assert/strict";
import type { DocumentWrite } from "../../store/write-set.ts";
import { refusal } from "../broker-case.ts";
import { message } from "../messages.ts";
import { statusesOf, type StoreTopic } from "../store-case.ts";
import {
  applyInput,
  applySets,
  COLLECTION,
  document,
  finishing,
  incoming,
  input,
  outgoing,
  QUEUE,
  set,
  withCollection,
  writing,
} from "./sets.ts";

export const conditions: StoreTopic = {
  topic: "conditions",
  cases: [
    {
      // proves: unit-of-work
      title: "a conflicting set is left out whole and named, and the others of its batch apply",
      run: async (context) => {
        const store = await withCollection(context.store());
        await applySets(store, set("seed", { documents: [document("o1", 0, { status: "new" })] }));
        const outcome = await store.apply({
          input: input(),
          lane: "out",
          sets: [
            writing("a", { finishes: [incoming(0)], outgoing: [outgoing("from-a")] }),
            set("b", {
              finishes: [incoming(1)],
              documents: [document("fresh", 0, {}), document("o1", 7, { status: "paid" })],
              events: [{ entity: "e", expected: 0, events: [message("never")] }],
              outgoing: [outgoing("from-b")],
            }),
            writing("c", { finishes: [incoming(2)], outgoing: [outgoing("from-c")] }),
          ],
        });
        assert.equal(statusesOf(outcome), "a applied, b conflict, c applied");
        const [, left] = outcome.sets;
        assert.ok(left?.status === "conflict" && left.what.includes("o1"), "names what moved");
        const found = await store.getDocuments(COLLECTION, ["a", "c", "fresh", "o1"]);
        assert.deepEqual([...found.keys()].toSorted(), ["a", "c", "o1"]);
        assert.equal(found.get("o1")?.version, 1);
        assert.deepEqual(await store.readEvents(), []);
        assert.deepEqual(outcome.sequences, { from: 0, to: 2 });
        assert.equal(outcome.position, 1);
        const { progress } = await store.readProgress("refunds", "orders/0");
        assert.deepEqual(progress?.above, [{ from: 2, to: 3 }]);
      },
    },
    {
      title: "of two sets over one version the first applies and the second conflicts",
      run: async (context) => {
        const store = await withCollection(context.store());
        const both = ["a", "b"].map((key) =>
          set(key, { documents: [document("o1", 0, { status: key })] }),
        );
        assert.equal(statusesOf(await applySets(store, ...both)), "a applied, b conflict");
        const found = await store.getDocuments(COLLECTION, ["o1"]);
        assert.equal(found.get("o1")?.json, '{"status":"a"}');
      },
    },
    {
      title: "a set sees what the sets before it wrote",
      run: async (context) => {
        const store = await withCollection(context.store());
        const outcome = await applySets(
          store,
          set("a", { documents: [document("o1", 0, {})] }),
          set("b", { documents: [document("o1", 1, null)] }),
          set("c", { documents: [document("o1", 0, {})] }),
          set("d", { documents: [document("o1", 3, {})] }),
        );
        assert.equal(statusesOf(outcome), "a applied, b applied, c applied, d applied");
        assert.equal((await store.getDocuments(COLLECTION, ["o1"])).get("o1")?.version, 4);
      },
    },
    {
      title: "a batch of an older epoch is fenced, and nothing of it applies",
      run: async (context) => {
        const store = await withCollection(context.store());
        await applyInput(store, input({ epoch: 3 }), finishing("x", 0));
        await refusal(
          () => applyInput(store, input({ epoch: 2 }), writing("a", { finishes: [incoming(1)] })),
          "FENCED",
        );
        assert.equal((await store.getDocuments(COLLECTION, ["a"])).size, 0);
        const kept = await store.readProgress("refunds", "orders/0");
        assert.deepEqual([kept.progress?.position, kept.epoch], [1, 3]);
        const other = await applyInput(store, input({ epoch: 1, input: "orders/1" }), writing("b"));
        assert.equal(statusesOf(other), "b applied");
      },
    },
    {
      title: "an owner that takes over fences the one before it at once",
      run: async (context) => {
        const store = await withCollection(context.store());
        await applyInput(store, input({ epoch: 1 }), finishing("x", 0));
        const taken = await store.readProgress("refunds", "orders/0", { epoch: 2 });
        assert.equal(taken.progress?.position, 1);
        await refusal(() => applyInput(store, input({ epoch: 1 }), finishing("y", 1)), "FENCED");
        await refusal(() => store.readProgress("refunds", "orders/0", { epoch: 1 }), "FENCED");
        const looked = await store.readProgress("refunds", "orders/0");
        assert.equal(looked.epoch, 2);
        await applyInput(store, input({ epoch: 2 }), finishing("z", 1));
      },
    },
    {
      title: "offsets of another log are refused until the consumer is moved to it",
      run: async (context) => {
        const store = await withCollection(context.store());
        await applyInput(store, input({ epoch: 9 }), finishing("x", 0, 1, 2));
        const other = input({ epoch: 1, log: "cluster/orders/2" });
        const text = await refusal(
          () => applyInput(store, { ...other, epoch: 9 }, finishing("y", 3)),
          "POSITION_MISMATCH",
        );
        assert.match(text.message, /seek/);
        await store.seek("refunds", "orders/0", { position: 0, log: "cluster/orders/2" });
        const outcome = await applyInput(store, other, finishing("y", 0));
        assert.equal(outcome.position, 1, "the epoch of the new log counts anew");
      },
    },
    {
      title: "batches of many callers at once each get their own answer, and all apply",
      run: async (context) => {
        const store = await withCollection(context.store());
        const callers = 100;
        const outcomes = await Promise.all(
          Array.from({ length: callers }, (_, caller) =>
            store.apply({
              lane: "out",
              sets: [
                writing(`own-${caller}`, { outgoing: [outgoing(`m-${caller}`)] }),
                set("shared", { documents: [document("contested", 0, { total: caller })] }),
              ],
            }),
          ),
        );
        const winners = outcomes.filter((outcome) => outcome.sets[1]?.status === "applied");
        assert.equal(winners.length, 1);
        assert.ok(outcomes.every((outcome) => outcome.sets[0]?.status === "applied"));
        const sequences = outcomes.map((outcome) => outcome.sequences?.from);
        assert.equal(new Set(sequences).size, callers);
        assert.equal(await store.countDocuments(COLLECTION), callers + 1);
        context.note(`${callers} callers, one winner`);
      },
    },
    {
      title: "a refused batch among many hurts no other",
      run: async (context) => {
        const store = await withCollection(context.store());
        await applyInput(store, input({ epoch: 5 }), finishing("x", 0));
        const unknown: DocumentWrite = { ...document("u", 0, {}), collection: "nobody" };
        const [first, fenced, unknownCollection, last] = await Promise.allSettled([
          applySets(store, writing("first")),
          applyInput(store, input({ epoch: 4 }), writing("fenced", { finishes: [incoming(1)] })),
          applySets(store, writing("half"), set("unknown", { documents: [unknown] })),
          applySets(store, writing("last")),
        ]);
        assert.deepEqual(
          [first, fenced, unknownCollection, last].map(({ status }) => status),
          ["fulfilled", "rejected", "rejected", "fulfilled"],
        );
        const found = await store.getDocuments(COLLECTION, ["first", "fenced", "half", "last"]);
        assert.deepEqual([...found.keys()].toSorted(), ["first", "last"]);
      },
    },
    {
      title: "too large a document and an indexed value without order are refused with their key",
      run: async (context) => {
        const store = await withCollection(context.store());
        const json = JSON.stringify("x".repeat(4 * 1024 * 1024));
        const large: DocumentWrite = { collection: COLLECTION, id: "big", expected: 0, json };
        const refused = await refusal(
          () => applySets(store, writing("a"), set("b", { documents: [large] })),
          "TOO_LARGE",
        );
        assert.equal(refused.details["key"], "b");
        const endless = set("c", { documents: [document("c", 0, { total: Number.NaN })] });
        const bad = await refusal(() => applySets(store, endless), "BAD_ARGUMENT");
        assert.equal(bad.details["key"], "c");
        assert.equal(await store.countDocuments(COLLECTION), 0);
        const fits = { ...large, json: JSON.stringify("x".repeat(4 * 1024 * 1024 - 2)) };
        await applySets(store, set("d", { documents: [fits] }));
        assert.equal((await store.getDocuments(COLLECTION, ["big"])).get("big")?.json, fits.json);
      },
    },
    {
      title: "a queue's batch needs no offsets and no log",
      run: async (context) => {
        const store = await withCollection(context.store());
        const outcome = await applyInput(store, QUEUE, writing("a", { finishes: [{ id: "m1" }] }));
        assert.equal(statusesOf(outcome), "a applied");
        assert.equal(outcome.position, undefined);
        assert.deepEqual(await store.listProgress(), []);
      },
    },
  ],
};

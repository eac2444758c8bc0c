/** Documents: versions, deletion, collections and their indexes. */

import assert from "node:assert/strict";
import { refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { statusesOf, type StoreTopic } from "../store-case.ts";
import { applySets, COLLECTION, document, set, withCollection } from "./sets.ts";

export const documents: StoreTopic = {
  topic: "documents",
  cases: [
    {
      title: "a document's version grows with every write, also over its deletion",
      run: async (context) => {
        const store = await withCollection(context.store());
        const steps = [
          document("o1", 0, { status: "new" }),
          document("o1", 1, { status: "paid" }),
          document("o1", 2, null),
          document("o1", 0, { status: "again" }),
        ];
        const seen: unknown[] = [];
        for (const write of steps) {
          assert.equal(
            statusesOf(await applySets(store, set("a", { documents: [write] }))),
            "a applied",
          );
          const found = (await store.getDocuments(COLLECTION, ["o1"])).get("o1");
          seen.push(found === undefined ? "gone" : [found.version, found.json]);
        }
        const states = [
          [1, '{"status":"new"}'],
          [2, '{"status":"paid"}'],
          "gone",
          [4, '{"status":"again"}'],
        ];
        compareLists(context.note, "states", seen, states);
        const stale = await applySets(store, set("b", { documents: [document("o1", 1, {})] }));
        assert.equal(statusesOf(stale), "b conflict", "a reader from before the deletion");
      },
    },
    {
      title: "deleting what is not there changes nothing",
      run: async (context) => {
        const store = await withCollection(context.store());
        await applySets(store, set("a", { documents: [document("o1", 0, null)] }));
        await applySets(store, set("b", { documents: [document("o1", 0, {})] }));
        assert.equal((await store.getDocuments(COLLECTION, ["o1"])).get("o1")?.version, 1);
        assert.equal(await store.countDocuments(COLLECTION), 1);
      },
    },
    {
      title: "only documents that exist are found and counted",
      run: async (context) => {
        const store = await withCollection(context.store());
        const ids = Array.from({ length: 30 }, (_, index) => `o${index}`);
        await applySets(store, ...ids.map((id) => set(id, { documents: [document(id, 0, {})] })));
        const gone = ids.slice(0, 10);
        await applySets(
          store,
          ...gone.map((id) => set(id, { documents: [document(id, 1, null)] })),
        );
        assert.equal(await store.countDocuments(COLLECTION), 20);
        const found = await store.getDocuments(COLLECTION, [...ids, "never"]);
        compareLists(context.note, "ids", [...found.keys()].toSorted(), ids.slice(10).toSorted());
        const page = await store.findDocuments(COLLECTION, { limit: 1000 });
        assert.equal(page.documents.length, 20);
      },
    },
    {
      title: "text of every kind in ids and content comes back as it was",
      run: async (context) => {
        const store = await withCollection(context.store());
        const ids = ["plain", "Zürich", "日本", "🚀", "a/b c%d", '"quoted"', "line\nbreak", " "];
        for (const id of ids) {
          await applySets(store, set(id, { documents: [document(id, 0, { status: id })] }));
        }
        const found = await store.getDocuments(COLLECTION, ids);
        compareLists(
          context.note,
          "contents",
          ids.map((id) => found.get(id)?.json),
          ids.map((id) => JSON.stringify({ status: id })),
        );
        for (const status of ids) {
          const page = await store.findDocuments(COLLECTION, { where: { status } });
          assert.deepEqual(
            page.documents.map(({ id }) => id),
            [status],
          );
        }
        const zero = set("zero", { documents: [document("a\0b", 0, {})] });
        await refusal(() => applySets(store, zero), "BAD_ARGUMENT");
      },
    },
    {
      title: "an index made later knows the documents that were there before",
      run: async (context) => {
        const store = context.store();
        await store.ensureCollections([{ name: COLLECTION, index: ["status"] }]);
        const states = { a: 1, b: "text", c: true, d: null } as const;
        for (const [id, total] of Object.entries(states)) {
          const write = { ...document(id, 0, { status: "x", total }), indexed: { status: "x" } };
          await applySets(store, set(id, { documents: [write] }));
        }
        await refusal(() => store.findDocuments(COLLECTION, { order: "total" }), "BAD_ARGUMENT");
        await store.ensureCollections([{ name: COLLECTION, index: ["total", "status"] }]);
        const { documents: found } = await store.findDocuments(COLLECTION, { order: "total" });
        assert.deepEqual(
          found.map(({ id }) => id),
          ["d", "a", "b", "c"],
        );
        await store.ensureCollections([{ name: COLLECTION, index: ["total"] }]);
        await refusal(
          () => store.findDocuments(COLLECTION, { where: { status: "x" } }),
          "BAD_ARGUMENT",
        );
        const by = await store.findDocuments(COLLECTION, { where: { total: true } });
        assert.deepEqual(
          by.documents.map(({ id }) => id),
          ["c"],
        );
      },
    },
    {
      title: "a dropped collection is gone, and one of its name starts empty",
      run: async (context) => {
        const store = await withCollection(context.store());
        await applySets(store, set("a", { documents: [document("o1", 0, {})] }));
        await store.dropCollection(COLLECTION);
        await refusal(() => store.countDocuments(COLLECTION), "BAD_ARGUMENT");
        await store.dropCollection(COLLECTION);
        await withCollection(store);
        assert.equal(await store.countDocuments(COLLECTION), 0);
        await applySets(store, set("b", { documents: [document("o1", 0, {})] }));
        assert.equal((await store.getDocuments(COLLECTION, ["o1"])).get("o1")?.version, 1);
      },
    },
  ],
};

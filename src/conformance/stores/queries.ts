/** Queries over indexed fields: comparisons, order, and pages over data that changes. */

import assert from "node:assert/strict";
import type { Comparison, DocumentQuery, Store } from "../../store/store.ts";
import type { IndexValue } from "../../store/write-set.ts";
import { refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import type { StoreTopic } from "../store-case.ts";
import { applySets, COLLECTION, document, set, withCollection } from "./sets.ts";

/** In the port's order: null, numbers, texts by code point, false, true. */
const VALUES: readonly IndexValue[] = [
  null,
  -1e300,
  -1.5,
  0,
  1,
  2,
  2 ** 53 - 1,
  "",
  "10",
  "2",
  "B",
  "a",
  "ab",
  "ä",
  "\uFF5E",
  "🚀",
  false,
  true,
];

/** One document for each value, named by its place in the order. */
async function withValues(store: Store): Promise<Store> {
  await withCollection(store);
  const sets = VALUES.map((total, index) => {
    const id = `v${String(index).padStart(2, "0")}`;
    return set(id, { documents: [document(id, 0, { total, status: index % 2 })] });
  });
  await applySets(store, ...sets.toReversed());
  return store;
}

async function idsOf(store: Store, query: DocumentQuery): Promise<string[]> {
  const { documents } = await store.findDocuments(COLLECTION, query);
  return documents.map(({ id }) => id);
}

async function valuesOf(store: Store, total: Comparison): Promise<IndexValue[]> {
  const ids = await idsOf(store, { where: { total }, order: "total" });
  return ids.map((id) => VALUES[Number(id.slice(1))] ?? null);
}

async function readPages(store: Store, query: DocumentQuery): Promise<string[]> {
  const ids: string[] = [];
  let after: string | undefined;
  do {
    const page = await store.findDocuments(COLLECTION, {
      ...query,
      ...(after === undefined ? {} : { after }),
    });
    ids.push(...page.documents.map(({ id }) => id));
    after = page.next;
  } while (after !== undefined);
  return ids;
}

export const queries: StoreTopic = {
  topic: "queries",
  cases: [
    {
      title: "null, numbers, texts, false and true have one order, forwards and backwards",
      run: async (context) => {
        const store = await withValues(context.store());
        const expected = VALUES.map((_, index) => `v${String(index).padStart(2, "0")}`);
        compareLists(context.note, "up", await idsOf(store, { order: "total" }), expected);
        const down = await idsOf(store, { order: "-total" });
        compareLists(context.note, "down", down, expected.toReversed());
        compareLists(context.note, "by id", await idsOf(store, {}), expected);
      },
    },
    {
      title: "an equal value is one of the same type",
      run: async (context) => {
        const store = await withValues(context.store());
        for (const value of VALUES) {
          assert.deepEqual(await valuesOf(store, value), [value], JSON.stringify(value));
        }
        assert.deepEqual(await valuesOf(store, "1"), []);
        assert.deepEqual(await valuesOf(store, { in: [true, 2, null, "nobody"] }), [null, 2, true]);
        assert.deepEqual(await valuesOf(store, { in: [] }), []);
        assert.deepEqual(await idsOf(store, { where: { id: { in: ["v03", 3, true] } } }), ["v03"]);
      },
    },
    {
      title: "a range holds the values of its bounds' type alone",
      run: async (context) => {
        const store = await withValues(context.store());
        assert.deepEqual(await valuesOf(store, { gte: 1 }), [1, 2, 2 ** 53 - 1]);
        assert.deepEqual(await valuesOf(store, { gt: 1 }), [2, 2 ** 53 - 1]);
        assert.deepEqual(await valuesOf(store, { lt: 0 }), [-1e300, -1.5]);
        assert.deepEqual(await valuesOf(store, { lte: 0, gt: -2 }), [-1.5, 0]);
        assert.deepEqual(await valuesOf(store, { gte: "a" }), ["a", "ab", "ä", "\uFF5E", "🚀"]);
        assert.deepEqual(await valuesOf(store, { lt: "2" }), ["", "10"]);
        assert.deepEqual(await valuesOf(store, { gte: 1, lt: "z" }), []);
        assert.deepEqual(await idsOf(store, { where: { id: { gt: "v14", lte: "v16" } } }), [
          "v15",
          "v16",
        ]);
        assert.deepEqual(await idsOf(store, { where: { id: { gt: 3 } } }), []);
      },
    },
    {
      title: "all conditions must hold",
      run: async (context) => {
        const store = await withValues(context.store());
        const where = { total: { gte: -2 }, status: 1 };
        assert.deepEqual(await idsOf(store, { where, order: "-id" }), ["v05", "v03"]);
      },
    },
    {
      title: "a document that changes is found by its new values alone",
      run: async (context) => {
        const store = await withValues(context.store());
        await applySets(store, set("a", { documents: [document("v03", 1, { total: 99 })] }));
        assert.deepEqual(await idsOf(store, { where: { total: 0 } }), []);
        assert.deepEqual(await idsOf(store, { where: { total: 99 } }), ["v03"]);
        assert.deepEqual(await idsOf(store, { where: { status: null } }), ["v03"]);
      },
    },
    {
      title: "pages meet without gap or repetition, also among equal values",
      run: async (context) => {
        const store = await withCollection(context.store());
        const sets = Array.from({ length: 100 }, (_, index) => {
          const id = `d${String((index * 37) % 100).padStart(2, "0")}`;
          const total = index % 3 === 0 ? null : index % 5;
          return set(id, { documents: [document(id, 0, { total })] });
        });
        await applySets(store, ...sets);
        for (const order of ["id", "-id", "total", "-total"]) {
          const whole = await idsOf(store, { order, limit: 1000 });
          assert.equal(whole.length, 100);
          compareLists(context.note, order, await readPages(store, { order, limit: 7 }), whole);
        }
        const exact = await store.findDocuments(COLLECTION, { limit: 100 });
        assert.equal(exact.next, undefined, "a full last page says that it is the last");
      },
    },
    {
      title: "documents that stay are shown once while others come, move and go between pages",
      run: async (context) => {
        const store = await withCollection(context.store());
        const ids = Array.from({ length: 60 }, (_, index) => `s${String(index).padStart(2, "0")}`);
        await applySets(
          store,
          ...ids.map((id, index) => set(id, { documents: [document(id, 0, { total: index })] })),
        );
        const seen: string[] = [];
        let after: string | undefined;
        let round = 0;
        do {
          const query = { order: "total", limit: 10, ...(after === undefined ? {} : { after }) };
          const page = await store.findDocuments(COLLECTION, query);
          seen.push(...page.documents.map(({ id }) => id));
          after = page.next;
          const last = page.documents.at(-1)?.id ?? "";
          await applySets(
            store,
            set("new", { documents: [document(`n${round}`, 0, { total: -round })] }),
            set("gone", { documents: [document(last, 1, null)] }),
          );
          round++;
        } while (after !== undefined);
        compareLists(
          context.note,
          "stayed",
          seen.filter((id) => id.startsWith("s")),
          ids,
        );
      },
    },
    {
      title: "a query that cannot be served is refused with the reason",
      run: async (context) => {
        const store = await withValues(context.store());
        const { next } = await store.findDocuments(COLLECTION, { order: "total", limit: 2 });
        assert.ok(next !== undefined);
        const queries: readonly DocumentQuery[] = [
          { where: { colour: "red" } },
          { order: "colour" },
          { limit: 0 },
          { limit: 1001 },
          { limit: 1.5 },
          { after: "nonsense" },
          { after: next, order: "-total" },
          { where: { total: {} } },
          { where: { total: { gte: Number.POSITIVE_INFINITY } } },
          { where: { total: Number.NaN } },
        ];
        for (const query of queries) {
          await refusal(() => store.findDocuments(COLLECTION, query), "BAD_ARGUMENT");
        }
        await refusal(() => store.findDocuments("nobody", {}), "BAD_ARGUMENT");
        context.note(`${queries.length} queries refused`);
      },
    },
  ],
};

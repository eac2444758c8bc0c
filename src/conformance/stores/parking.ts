/** Parked messages: their order, redrive, discard, and what a failed redrive leaves. */

import assert from "node:assert/strict";
import type { Store } from "../../store/store.ts";
import type { WriteSet } from "../../store/write-set.ts";
import { refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { plain, textOf } from "../messages.ts";
import { statusesOf, type StoreTopic } from "../store-case.ts";
import {
  applyInput,
  applySets,
  CAUSE,
  incoming,
  input,
  parked,
  parking as parkSet,
  set,
  withCollection,
  writing,
} from "./sets.ts";

/** Key a: failed and two waiting; key b: failed. */
async function withParked(store: Store): Promise<number[]> {
  await withCollection(store);
  await applyInput(store, input(), parkSet("a", 0, true), parkSet("b", 1, true));
  await applyInput(store, input(), parkSet("a", 2, false), parkSet("a", 3, false));
  return (await store.listParked()).map(({ row }) => row);
}

/** `text mark` of every parked message. */
async function linesOf(store: Store): Promise<string[]> {
  const rows = await store.listParked();
  return rows.map(
    ({ message, cause, redrive }) =>
      `${textOf(message)}${cause === undefined ? "" : " failed"}${redrive ? " redrive" : ""}`,
  );
}

const MINUTE_MS = 60_000;

/** Parks a failure that is to be retried by itself; without a moment, by a person. */
function failing(key: string, offset: number, retryAtMs?: number): WriteSet {
  const cause = { ...CAUSE, ...(retryAtMs === undefined ? {} : { retryAtMs }) };
  return set(`park-${offset}`, {
    finishes: [incoming(offset)],
    park: [{ ...parked(key, offset, false), cause }],
  });
}

export const parking: StoreTopic = {
  topic: "parking",
  cases: [
    {
      title: "parked messages are listed in order, whole, by any of their names",
      needs: ["restart"],
      run: async (context) => {
        const before = context.time.now();
        const rows = await withParked(context.store());
        await context.suffer("restart");
        const store = context.store();
        assert.deepEqual(
          rows,
          rows.toSorted((one, other) => one - other),
        );
        const listed = await store.listParked();
        const expected = [
          parked("a", 0, true),
          parked("b", 1, true),
          parked("a", 2, false),
          parked("a", 3, false),
        ];
        compareLists(
          context.note,
          "parked",
          listed.map((row) => [row.key, row.incoming, plain(row.message), row.cause]),
          expected.map((row) => [row.key, row.incoming, plain(row.message), row.cause]),
        );
        for (const row of listed) {
          assert.deepEqual([row.consumer, row.input, row.redrive], ["refunds", "orders/0", false]);
          assert.ok(row.parkedMs >= before - 1 && row.parkedMs <= context.time.now() + 1);
        }
        assert.equal((await store.listParked({ key: "a" })).length, 3);
        assert.equal((await store.listParked({ consumer: "nobody" })).length, 0);
        assert.equal((await store.listParked({ input: "orders/1" })).length, 0);
        const page = await store.listParked({ after: rows[0] ?? 0, limit: 2 });
        assert.deepEqual(
          page.map(({ row }) => row),
          rows.slice(1, 3),
        );
        const keys = await store.parkedKeys("refunds", "orders/0");
        assert.deepEqual([keys.get("a"), keys.get("b"), keys.size], [3, 1, 2]);
      },
    },
    {
      title: "a parked message is settled: its position moves, and it does not come again",
      run: async (context) => {
        const store = context.store();
        await withParked(store);
        const { progress } = await store.readProgress("refunds", "orders/0");
        assert.equal(progress?.position, 4);
        const again = await applyInput(store, input(), parkSet("a", 2, false));
        assert.equal(statusesOf(again), "park-2 duplicate");
        assert.equal((await store.listParked()).length, 4);
      },
    },
    {
      title: "redrive marks the whole key, and what comes to wait behind it as well",
      needs: ["restart"],
      run: async (context) => {
        const [first] = await withParked(context.store());
        assert.equal(await context.store().redriveParked([first ?? 0]), 3);
        assert.equal(await context.store().redriveParked([first ?? 0]), 0);
        await context.suffer("restart");
        const store = context.store();
        await applyInput(store, input(), parkSet("a", 4, false), parkSet("b", 5, false));
        compareLists(context.note, "marks", await linesOf(store), [
          "a-0 failed redrive",
          "b-1 failed",
          "a-2 redrive",
          "a-3 redrive",
          "a-4 redrive",
          "b-5",
        ]);
        assert.equal((await store.listParked({ redrive: true })).length, 4);
        assert.equal((await store.listParked({ redrive: false })).length, 2);
        assert.equal(await store.redriveParked("all"), 2);
      },
    },
    {
      title: "a row that was worked off is gone, once",
      run: async (context) => {
        const store = context.store();
        const [first] = await withParked(store);
        const work = writing("a", { unpark: [first ?? 0] });
        assert.equal(statusesOf(await applyInput(store, input(), work)), "a applied");
        const again = writing("a-again", { unpark: [first ?? 0] });
        assert.equal(statusesOf(await applySets(store, again)), "a-again conflict");
        assert.deepEqual(await linesOf(store), ["b-1 failed", "a-2", "a-3"]);
      },
    },
    {
      title: "a redriven row that fails again keeps its place, and its key waits again",
      run: async (context) => {
        const store = context.store();
        const [first, , second] = await withParked(store);
        await store.redriveParked("all");
        const cause = { ...CAUSE, attempts: 6 };
        await applySets(store, set("a", { unpark: [first ?? 0] }));
        await applySets(store, set("a", { repark: [{ row: second ?? 0, cause }] }));
        compareLists(context.note, "marks", await linesOf(store), [
          "b-1 failed redrive",
          "a-2 failed",
          "a-3",
        ]);
        const [failed] = await store.listParked({ key: "a" });
        assert.deepEqual(failed?.cause, cause);
        const gone = set("gone", { repark: [{ row: first ?? 0, cause }] });
        assert.equal(statusesOf(await applySets(store, gone)), "gone conflict");
      },
    },
    {
      title: "discarding the failed row sets its key going; discarding a waiting one does not",
      run: async (context) => {
        const store = context.store();
        const [failedA, failedB, waitingA] = await withParked(store);
        assert.equal(await store.discardParked([waitingA ?? 0]), 1);
        assert.deepEqual(await linesOf(store), ["a-0 failed", "b-1 failed", "a-3"]);
        assert.equal(await store.discardParked([failedA ?? 0, failedB ?? 0, 999_999]), 2);
        assert.deepEqual(await linesOf(store), ["a-3 redrive"]);
        assert.equal(await store.discardParked([failedA ?? 0]), 0);
      },
    },
    {
      title: "what was to wait behind a row that has gone meanwhile is marked for redrive",
      run: async (context) => {
        const store = context.store();
        const [failedA, failedB] = await withParked(store);
        await store.discardParked([failedB ?? 0]);
        await applyInput(store, input(), parkSet("b", 4, false), parkSet("b", 5, false));
        await store.redriveParked([failedA ?? 0]);
        const waitingA = (await store.listParked({ key: "a" })).map(({ row }) => row);
        await applySets(store, set("a", { unpark: waitingA }));
        await applyInput(store, input(), parkSet("a", 6, false));
        compareLists(context.note, "marks", await linesOf(store), [
          "b-4 redrive",
          "b-5 redrive",
          "a-6 redrive",
        ]);
      },
    },
    {
      title: "a failure with a moment is marked when it has come, with what waits behind it",
      needs: ["restart"],
      run: async (context) => {
        const due = (nowMs: number) => context.store().redriveDue("refunds", "orders/0", nowMs);
        assert.deepEqual(await due(0), { count: 0 });
        await applyInput(
          context.store(),
          input(),
          failing("a", 0, MINUTE_MS),
          failing("b", 1, 2 * MINUTE_MS + 0.5),
          failing("person", 2),
          failing("c", 3, 3 * MINUTE_MS),
        );
        await applyInput(context.store(), input(), parkSet("a", 4, false), parkSet("b", 5, false));
        await applyInput(context.store(), input({ input: "orders/1" }), failing("a", 0, 1));
        await context.suffer("restart");
        assert.deepEqual(await due(MINUTE_MS - 1), { count: 0, nextMs: MINUTE_MS });
        assert.deepEqual(await due(MINUTE_MS), { count: 2, nextMs: 2 * MINUTE_MS + 0.5 });
        assert.deepEqual(await due(MINUTE_MS), { count: 0, nextMs: 2 * MINUTE_MS + 0.5 });
        const marked = async (): Promise<string[]> => {
          const rows = await context.store().listParked({ redrive: true, input: "orders/0" });
          return rows.map(({ message }) => textOf(message));
        };
        compareLists(context.note, "marked", await marked(), ["a-0", "a-4"]);
        await applyInput(context.store(), input(), parkSet("a", 6, false));
        assert.deepEqual(await marked(), ["a-0", "a-4", "a-6"], "what comes to wait is marked");
        assert.deepEqual(await due(10 * MINUTE_MS), { count: 3 });
        compareLists(context.note, "marked", await marked(), [
          "a-0",
          "b-1",
          "c-3",
          "a-4",
          "b-5",
          "a-6",
        ]);
        const [row] = await context.store().listParked({ key: "b" });
        assert.deepEqual(row?.cause, { ...CAUSE, retryAtMs: 2 * MINUTE_MS + 0.5 });
      },
    },
    {
      title: "a retry that fails again waits for the moment of its new cause, or for a person",
      run: async (context) => {
        const store = context.store();
        await applyInput(store, input(), failing("a", 0, 10), failing("b", 1, 10));
        await applyInput(store, input(), parkSet("a", 2, false));
        const due = (nowMs: number) => store.redriveDue("refunds", "orders/0", nowMs);
        assert.deepEqual(await due(10), { count: 3 });
        const [a, b] = (await store.listParked()).map(({ row }) => row);
        const later = { ...CAUSE, retryAtMs: 50 };
        const outcome = await applySets(
          store,
          set("a", { repark: [{ row: a ?? 0, cause: later }] }),
          set("b", { repark: [{ row: b ?? 0, cause: CAUSE }] }),
        );
        assert.equal(statusesOf(outcome), "a applied, b applied");
        assert.deepEqual(await due(40), { count: 0, nextMs: 50 });
        assert.deepEqual(await due(50), { count: 2 });
        await applyInput(store, input(), failing("c", 3, 90));
        assert.deepEqual(await due(60), { count: 0, nextMs: 90 });
        await store.redriveParked([(await store.listParked({ key: "c" }))[0]?.row ?? 0]);
        assert.deepEqual(await due(60), { count: 0 }, "a person was faster");
        assert.deepEqual(await linesOf(store), [
          "a-0 failed redrive",
          "b-1 failed",
          "a-2 redrive",
          "c-3 failed redrive",
        ]);
      },
    },
    {
      title: "a key waits for its first failure: a person's turn is not taken by a later row",
      run: async (context) => {
        const store = context.store();
        await applyInput(store, input(), failing("a", 0), failing("b", 1, 90));
        await applyInput(store, input(), failing("a", 2, 10), failing("b", 3, 10));
        const due = (nowMs: number) => store.redriveDue("refunds", "orders/0", nowMs);
        assert.deepEqual(await due(20), { count: 0, nextMs: 90 });
        const [head] = await store.listParked({ key: "a" });
        await applySets(store, set("a", { unpark: [head?.row ?? 0] }));
        assert.deepEqual(await due(20), { count: 1, nextMs: 90 });
        assert.deepEqual(await linesOf(store), ["b-1 failed", "a-2 failed redrive", "b-3 failed"]);
      },
    },
    {
      title: "a moment that is no number is refused, and no row is written",
      run: async (context) => {
        const store = context.store();
        await refusal(() => applyInput(store, input(), failing("a", 0, NaN)), "BAD_ARGUMENT");
        assert.deepEqual(await store.listParked(), []);
      },
    },
  ],
};

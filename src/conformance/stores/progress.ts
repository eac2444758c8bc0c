/** Progress: the position, what is finished above it, gaps, and moving a consumer. */

import assert from "node:assert/strict";
import { refusal } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { statusesOf, type StoreTopic } from "../store-case.ts";
import { applyInput, finishing, incoming, input, LOG, withCollection, writing } from "./sets.ts";

export const progress: StoreTopic = {
  topic: "progress",
  cases: [
    {
      title: "the position passes an offset when everything before it is finished",
      run: async (context) => {
        const store = context.store();
        const positions: unknown[] = [];
        for (const offsets of [[2, 3], [0], [5], [1], [4, 6, 4]]) {
          const outcome = await applyInput(store, input(), finishing("a", ...offsets));
          const { progress } = await store.readProgress("refunds", "orders/0");
          positions.push([outcome.position, progress?.above.map(({ from, to }) => [from, to])]);
        }
        compareLists(context.note, "positions", positions, [
          [0, [[2, 4]]],
          [1, [[2, 4]]],
          [
            1,
            [
              [2, 4],
              [5, 6],
            ],
          ],
          [4, [[5, 6]]],
          [7, []],
        ]);
      },
    },
    {
      title: "what is finished above the position is kept over a restart and not finished again",
      needs: ["restart"],
      run: async (context) => {
        await withCollection(context.store());
        await applyInput(context.store(), input(), finishing("a", 0, 2, 3, 7));
        await context.suffer("restart");
        const store = await withCollection(context.store());
        const { progress, epoch } = await store.readProgress("refunds", "orders/0");
        assert.deepEqual(progress, {
          position: 1,
          above: [
            { from: 2, to: 4 },
            { from: 7, to: 8 },
          ],
          log: LOG,
        });
        assert.equal(epoch, 1);
        const outcome = await applyInput(
          store,
          input(),
          writing("again", { finishes: [incoming(3, "other-id")] }),
          writing("fresh", { finishes: [incoming(1)] }),
        );
        assert.equal(statusesOf(outcome), "again duplicate, fresh applied");
        assert.equal(outcome.position, 4);
      },
    },
    {
      title: "gaps count as finished",
      run: async (context) => {
        const store = context.store();
        const gaps = [
          { from: 0, to: 100 },
          { from: 101, to: 103 },
        ];
        const outcome = await applyInput(store, input({ gaps }), finishing("a", 100, 105));
        assert.equal(outcome.position, 103);
        const { progress } = await store.readProgress("refunds", "orders/0");
        assert.deepEqual(progress?.above, [{ from: 105, to: 106 }]);
      },
    },
    {
      title: "each consumer and each input has its own progress",
      run: async (context) => {
        const store = context.store();
        await applyInput(store, input(), finishing("a", 0, 1));
        await applyInput(store, input({ input: "orders/1" }), finishing("b", 0));
        await applyInput(store, input({ consumer: "other" }), finishing("c", 0, 1, 2));
        const listed = await store.listProgress();
        compareLists(
          context.note,
          "progress",
          listed.map((row) => `${row.consumer} ${row.input} ${row.position} ${row.log}`).toSorted(),
          [`other orders/0 3 ${LOG}`, `refunds orders/0 2 ${LOG}`, `refunds orders/1 1 ${LOG}`],
        );
        const none = await store.readProgress("nobody", "orders/0");
        assert.deepEqual([none.progress, none.epoch, none.lanes.size], [undefined, 0, 0]);
      },
    },
    {
      title: "a consumer that was moved back handles everything again, and forward skips",
      needs: ["restart"],
      run: async (context) => {
        await withCollection(context.store());
        const from = input();
        await applyInput(context.store(), from, finishing("a", 0, 1, 2, 5));
        await context.store().seek("refunds", "orders/0", { position: 1, log: LOG });
        await context.suffer("restart");
        const store = await withCollection(context.store());
        const moved = await store.readProgress("refunds", "orders/0");
        assert.deepEqual(moved.progress, { position: 1, above: [], log: LOG });
        const again = await applyInput(store, from, writing("b", { finishes: [incoming(1)] }));
        assert.equal(statusesOf(again), "b applied");
        await store.seek("refunds", "orders/0", { position: 9, log: LOG });
        const skipped = await applyInput(store, from, writing("c", { finishes: [incoming(4)] }));
        assert.equal(statusesOf(skipped), "c duplicate");
        await refusal(() => applyInput(store, input({ epoch: 0 }), finishing("d", 9)), "FENCED");
      },
    },
    {
      title: "an input that leaves too much open is refused, and nothing of the batch applies",
      run: async (context) => {
        const store = await withCollection(context.store());
        const every = Array.from({ length: 5000 }, (_, index) => 1 + index * 2);
        await applyInput(store, input(), finishing("a", ...every));
        const more = every.map((offset) => offset + 10_000);
        await applyInput(store, input(), finishing("b", ...more));
        await refusal(
          () => applyInput(store, input(), writing("c", { finishes: [incoming(30_001)] })),
          "TOO_LARGE",
        );
        const outcome = await applyInput(store, input(), writing("c", { finishes: [incoming(2)] }));
        assert.equal(statusesOf(outcome), "c applied");
      },
    },
  ],
};

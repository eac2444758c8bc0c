/** The life of a store: what it keeps, who may open it, and its end. */

import assert from "node:assert/strict";
import { refusal, type Fault } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { textOf } from "../messages.ts";
import type { StoreContext, StoreTopic } from "../store-case.ts";
import {
  applyInput,
  COLLECTION,
  document,
  finishing,
  incoming,
  input,
  outgoing,
  parking,
  set,
  withCollection,
} from "./sets.ts";

/** Everything acknowledged before the fault is there after it. */
const keeps = (fault: Fault) => async (context: StoreContext) => {
  await withCollection(context.store());
  const ids = Array.from({ length: 50 }, (_, index) => `o${String(index).padStart(2, "0")}`);
  await Promise.all(
    ids.map((id, offset) =>
      context.store().apply({
        input: input({ epoch: 2 }),
        lane: "out",
        sets: [
          set(id, {
            finishes: [incoming(offset)],
            documents: [document(id, 0, { status: "new", total: offset })],
            events: [{ entity: id, expected: 0, events: [outgoing(id).message] }],
            outgoing: [outgoing(id)],
          }),
        ],
      }),
    ),
  );
  await applyInput(context.store(), input({ epoch: 2 }), parking("p", 50, true));
  const { epoch } = context.store();

  await context.suffer(fault);

  const store = context.store();
  assert.equal(store.epoch, epoch);
  const page = await store.findDocuments(COLLECTION, { order: "total", limit: 1000 });
  compareLists(
    context.note,
    "documents",
    page.documents.map(({ id }) => id),
    ids,
  );
  const rows = await store.readOutbox("out", 1000);
  const published = rows.flatMap((row) => row.messages.map(({ message }) => textOf(message)));
  compareLists(context.note, "outbox", published.toSorted(), ids);
  const events = await store.readEvents();
  compareLists(context.note, "events", events.map(({ entity }) => entity).toSorted(), ids);
  assert.equal(await store.countDocuments(COLLECTION), ids.length);
  const kept = await store.readProgress("refunds", "orders/0");
  assert.deepEqual([kept.progress?.position, kept.epoch], [51, 2]);
  assert.equal((await store.parkedKeys("refunds", "orders/0")).get("p"), 1);
};

export const life: StoreTopic = {
  topic: "life",
  cases: [
    {
      title: "everything acknowledged is there after a restart",
      needs: ["restart"],
      run: keeps("restart"),
    },
    {
      // proves: unit-of-work
      title: "everything acknowledged is there after a kill",
      needs: ["kill"],
      run: keeps("kill"),
    },
    {
      title: "a second opener is refused with the remedy, and the first works on",
      needs: ["exclusive"],
      run: async (context) => {
        const refused = await refusal(context.openBeside, "DIRECTORY_IN_USE");
        assert.match(refused.message, /stop|close/);
        await applyInput(context.store(), input(), finishing("a", 0));
        const { progress } = await context.store().readProgress("refunds", "orders/0");
        assert.equal(progress?.position, 1);
      },
    },
    {
      title: "a closed store refuses every call, keeps what it had begun, and closes twice",
      run: async (context) => {
        const store = await withCollection(context.store());
        const begun = applyInput(store, input(), finishing("a", 0));
        const closing = store.close();
        const { position } = await begun;
        assert.equal(position, 1, "what was asked before the close is answered");
        await closing;
        await store.close();
        await refusal(() => applyInput(store, input(), finishing("b", 1)), "CLOSED");
        await refusal(() => store.getDocuments(COLLECTION, ["a"]), "CLOSED");
        await refusal(() => store.pendingLanes(), "CLOSED");
      },
    },
  ],
};

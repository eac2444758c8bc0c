/** The outbox: sequences fixed in the commit, lanes in order, leased, trimmed. */

import assert from "node:assert/strict";
import type { OutboxRow, Store } from "../../store/store.ts";
import { refusal, type Fault } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { plain, textOf } from "../messages.ts";
import { peculiarMessages } from "../peculiar.ts";
import type { StoreContext, StoreTopic } from "../store-case.ts";
import { outgoing, set } from "./sets.ts";

/** Commits these messages on the lane, each in a set of its own. */
function emit(store: Store, lane: string, ...texts: readonly string[]): ReturnType<Store["apply"]> {
  return store.apply({
    lane,
    sets: texts.map((text) => set(text, { outgoing: [outgoing(text)] })),
  });
}

/** `sequence text` of every message. */
function linesOf(rows: readonly OutboxRow[]): string[] {
  return rows.flatMap((row) =>
    row.messages.map(({ message }, index) => `${row.firstSequence + index} ${textOf(message)}`),
  );
}

const leaseEnds = (fault: Fault) => async (context: StoreContext) => {
  await emit(context.store(), "l", "a");
  assert.equal(await context.store().leaseLane("l", "before", 60_000), true);
  await context.suffer(fault);
  assert.equal(await context.store().leaseLane("l", "after", 60_000), true);
  assert.deepEqual(linesOf(await context.store().readOutbox("l", 10)), ["0 a"]);
};

export const outbox: StoreTopic = {
  topic: "outbox",
  cases: [
    {
      title: "messages of a lane have sequences without gaps, in the order of their commits",
      needs: ["restart"],
      run: async (context) => {
        const first = await emit(context.store(), "l", "a", "b");
        assert.deepEqual(first.sequences, { from: 0, to: 2 });
        await emit(context.store(), "other", "z");
        await context.suffer("restart");
        const store = context.store();
        const second = await emit(store, "l", "c");
        assert.deepEqual(second.sequences, { from: 2, to: 3 });
        assert.deepEqual((await emit(store, "l")).sequences, { from: 3, to: 3 });
        const rows = await store.readOutbox("l", 100);
        compareLists(context.note, "messages", linesOf(rows), ["0 a", "1 b", "2 c"]);
        assert.ok(rows.every((row) => row.lane === "l" && row.epoch === store.epoch));
      },
    },
    {
      title: "a message comes back with its target, its delay and every byte",
      run: async (context) => {
        const store = context.store();
        const messages = peculiarMessages().map((message, index) => ({
          target:
            index % 2 === 0
              ? ({ kind: "stream", name: "orders" } as const)
              : ({ kind: "queue", name: "desk" } as const),
          message,
          ...(index % 3 === 0 ? { delayMs: index * 1000 } : {}),
        }));
        await store.apply({ lane: "l", sets: [set("a", { outgoing: messages })] });
        const [row] = await store.readOutbox("l", 1000);
        compareLists(
          context.note,
          "messages",
          (row?.messages ?? []).map((one) => [one.target, one.delayMs, plain(one.message)]),
          messages.map((one) => [one.target, one.delayMs, plain(one.message)]),
        );
      },
    },
    {
      title: "lanes with messages are listed, the one with the oldest message first",
      run: async (context) => {
        const store = context.store();
        assert.deepEqual(await store.pendingLanes(), []);
        await emit(store, "b", "1");
        await emit(store, "a", "2");
        await emit(store, "b", "3");
        assert.deepEqual(await store.pendingLanes(), ["b", "a"]);
        await store.leaseLane("b", "me", 1000);
        await store.trimOutbox("b", "me", 1);
        assert.deepEqual(await store.pendingLanes(), ["a", "b"]);
        const extents = (await store.pendingOutbox()).toSorted((x, y) =>
          x.lane < y.lane ? -1 : 1,
        );
        compareLists(context.note, "extents", extents, [
          { lane: "a", from: 0, to: 1 },
          { lane: "b", from: 1, to: 2 },
        ]);
        await store.trimOutbox("b", "me", 2);
        assert.deepEqual(await store.pendingLanes(), ["a"]);
      },
    },
    {
      title: "what was published is trimmed, also from the middle of a commit, and stays away",
      needs: ["restart"],
      run: async (context) => {
        await emit(context.store(), "l", "a", "b", "c");
        await emit(context.store(), "l", "d", "e");
        await context.store().leaseLane("l", "me", 60_000);
        await context.store().trimOutbox("l", "me", 2);
        await context.suffer("restart");
        const store = context.store();
        assert.deepEqual(linesOf(await store.readOutbox("l", 100)), ["2 c", "3 d", "4 e"]);
        assert.deepEqual(linesOf(await store.readOutbox("l", 2)), ["2 c", "3 d"]);
        assert.deepEqual(linesOf(await store.readOutbox("l", 1)), ["2 c"]);
        await store.leaseLane("l", "me", 60_000);
        await store.trimOutbox("l", "me", 1);
        await store.trimOutbox("l", "me", 5);
        assert.deepEqual(await store.readOutbox("l", 100), []);
        assert.deepEqual((await emit(store, "l", "f")).sequences, { from: 5, to: 6 });
        assert.deepEqual(await store.readOutbox("nobody", 100), []);
      },
    },
    {
      title: "a lane has one owner at a time: another waits for the lease's end and fences it",
      run: async (context) => {
        const store = context.store();
        await emit(store, "l", "a");
        assert.equal(await store.leaseLane("l", "one", 1000), true);
        assert.equal(await store.leaseLane("l", "two", 1000), false);
        await refusal(() => store.trimOutbox("l", "two", 1), "FENCED");
        await context.time.pass(600);
        assert.equal(await store.leaseLane("l", "one", 1000), true, "prolonged");
        await context.time.pass(600);
        assert.equal(await store.leaseLane("l", "two", 1000), false);
        await context.time.pass(600);
        assert.equal(await store.leaseLane("l", "two", 1000), true);
        await refusal(() => store.trimOutbox("l", "one", 1), "FENCED");
        assert.deepEqual(linesOf(await store.readOutbox("l", 10)), ["0 a"]);
        await store.trimOutbox("l", "two", 1);
        assert.deepEqual(await store.readOutbox("l", 10), []);
      },
    },
    {
      title: "a lane's lease ends with the process",
      needs: ["exclusive", "restart"],
      run: leaseEnds("restart"),
    },
    {
      title: "a lane's lease ends with a killed process",
      needs: ["exclusive", "kill"],
      run: leaseEnds("kill"),
    },
  ],
};

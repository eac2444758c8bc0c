/** Timers as they are kept: replaced and ended by name, found by their moment, listed, leased. */

import assert from "node:assert/strict";
import type { Store, StoredTimer } from "../../store/store.ts";
import type { TimerCancel, TimerRef, TimerWrite } from "../../store/write-set.ts";
import { refusal, type Fault } from "../broker-case.ts";
import { compareLists } from "../case.ts";
import { plain } from "../messages.ts";
import { peculiarMessages } from "../peculiar.ts";
import { statusesOf, type StoreContext, type StoreTopic } from "../store-case.ts";
import { applyInput, applySets, finishing, input, set, timer } from "./sets.ts";

const CONSUMER = "refunds";

function apply(
  store: Store,
  ...timers: readonly (TimerWrite | TimerCancel)[]
): ReturnType<Store["apply"]> {
  return applySets(store, set("timers", { timers }));
}

/** `instance/name id@moment` of each. */
function linesOf(timers: readonly StoredTimer[]): string[] {
  return timers.map(({ instance, name, id, dueMs }) => `${instance}/${name} ${id}@${dueMs}`);
}

async function listed(store: Store, instance = "o1"): Promise<string[]> {
  return linesOf(await store.listTimers(CONSUMER, { instance }));
}

const keeps = (fault: Fault) => async (context: StoreContext) => {
  const written = peculiarMessages().map((message, index) =>
    timer(`t${String(index).padStart(3, "0")}`, 1000 + index / 4, { message, id: `id-${index}` }),
  );
  await apply(context.store(), ...written);
  await context.suffer(fault);
  const store = context.store();
  const form = ({ message, ...rest }: StoredTimer) => ({ ...rest, message: plain(message) });
  const due = await store.dueTimers(CONSUMER, { dueMs: 2000, limit: 1000 });
  compareLists(context.note, "due", due.map(form), written.map(form));
  const all = await store.listTimers(CONSUMER, { limit: 1000 });
  compareLists(context.note, "listed", all.map(form), written.map(form));
  assert.equal(await store.nextTimerMs(CONSUMER), 1000);
};

export const timers: StoreTopic = {
  topic: "timers",
  cases: [
    {
      title: "a timer is there after a restart, with its moment and every byte",
      needs: ["restart"],
      run: keeps("restart"),
    },
    {
      title: "a timer is there after a kill, with its moment and every byte",
      needs: ["kill"],
      run: keeps("kill"),
    },
    {
      title: "timers come due by their moment, those of one moment in the order of setting",
      run: async (context) => {
        const store = context.store();
        await apply(store, timer("c", 30), timer("z", 20), timer("a", 20.5));
        await apply(store, timer("b", 20, { instance: "o2" }), timer("d", 10));
        await apply(store, timer("x", 1, { consumer: "other" }));
        const due = async (dueMs: number, limit?: number): Promise<string[]> =>
          linesOf(
            await store.dueTimers(CONSUMER, { dueMs, ...(limit === undefined ? {} : { limit }) }),
          );
        const order = ["o1/d d@10", "o1/z z@20", "o2/b b@20", "o1/a a@20.5", "o1/c c@30"];
        compareLists(context.note, "due", await due(30), order);
        assert.deepEqual(await due(29), order.slice(0, 4));
        assert.deepEqual(await due(20), order.slice(0, 3));
        assert.deepEqual(await due(9), []);
        assert.deepEqual(await due(30, 2), order.slice(0, 2));
        assert.deepEqual(await store.dueTimers("nobody", { dueMs: 1e15 }), []);
      },
    },
    {
      title: "the moment of the next timer follows what is set and ended",
      run: async (context) => {
        const store = context.store();
        assert.equal(await store.nextTimerMs(CONSUMER), undefined);
        await apply(store, timer("a", 20), timer("b", 10.25), timer("c", 5, { consumer: "other" }));
        assert.equal(await store.nextTimerMs(CONSUMER), 10.25);
        await apply(store, { consumer: CONSUMER, instance: "o1", name: "b" });
        assert.equal(await store.nextTimerMs(CONSUMER), 20);
        await apply(store, timer("a", 40));
        assert.equal(await store.nextTimerMs(CONSUMER), 40);
        await apply(store, { consumer: CONSUMER, instance: "o1" });
        assert.equal(await store.nextTimerMs(CONSUMER), undefined);
        assert.equal(await store.nextTimerMs("other"), 5);
      },
    },
    {
      title: "timers are listed by instance and name, by pages, a hundred unless said",
      run: async (context) => {
        const store = context.store();
        // By code point, in which a rocket comes behind a wide tilde.
        const instances = ["O", "o1", "o10", "o2", "ö", "\uFF5E", "🚀"];
        const written = instances.flatMap((instance, part) =>
          Array.from({ length: 20 }, (_, index) =>
            timer(`n${String(index).padStart(2, "0")}`, 1000 - part * 20 - index, { instance }),
          ),
        );
        await apply(store, ...written.toReversed());
        await apply(store, timer("n00", 1, { consumer: "other" }));
        const read: string[] = [];
        let after: TimerRef | undefined;
        do {
          const page = await store.listTimers(CONSUMER, {
            limit: 33,
            ...(after === undefined ? {} : { after }),
          });
          assert.ok(page.length <= 33);
          read.push(...linesOf(page));
          assert.ok(read.length <= written.length, "no timer is shown twice");
          after = page.at(-1);
        } while (after !== undefined);
        compareLists(context.note, "timers", read, linesOf(written));
        assert.equal((await store.listTimers(CONSUMER)).length, 100);
        assert.deepEqual(await listed(store, "o1"), linesOf(written.slice(20, 40)));
        const rest = { instance: "o1", after: { ...written[37]!, consumer: CONSUMER } };
        assert.deepEqual(
          linesOf(await store.listTimers(CONSUMER, rest)),
          linesOf(written.slice(38, 40)),
        );
        assert.deepEqual(await listed(store, "nobody"), []);
      },
    },
    {
      title: "a timer set again replaces the one of its name, also in the order of its moment",
      run: async (context) => {
        const store = context.store();
        await apply(store, timer("a", 10, { id: "a-1" }), timer("b", 10), timer("c", 50));
        await apply(store, timer("a", 10, { id: "a-2" }), timer("c", 5, { id: "c-2" }));
        const due = linesOf(await store.dueTimers(CONSUMER, { dueMs: 100 }));
        compareLists(context.note, "due", due, ["o1/c c-2@5", "o1/b b@10", "o1/a a-2@10"]);
        assert.deepEqual(await listed(store), ["o1/a a-2@10", "o1/b b@10", "o1/c c-2@5"]);
      },
    },
    {
      title: "ending a timer, or all of an instance, touches no other and is harmless for none",
      run: async (context) => {
        const store = context.store();
        const other = timer("a", 10, { consumer: "other" });
        await apply(
          store,
          timer("a", 10),
          timer("b", 20),
          timer("a", 30, { instance: "o2" }),
          other,
        );
        const gone: TimerCancel = { consumer: CONSUMER, instance: "o1", name: "a" };
        await apply(store, gone);
        assert.deepEqual(await listed(store), ["o1/b b@20"]);
        await apply(store, timer("a", 10));
        const all: TimerCancel = { consumer: CONSUMER, instance: "o1" };
        for (const cancel of [all, all, gone, { ...gone, instance: "nobody" }]) {
          assert.equal(statusesOf(await apply(store, cancel)), "timers applied");
        }
        assert.deepEqual(linesOf(await store.listTimers(CONSUMER)), ["o2/a a@30"]);
        assert.deepEqual(linesOf(await store.listTimers("other")), ["o1/a a@10"]);
      },
    },
    {
      title: "the timers of a set take effect in their order, and so do the sets of a batch",
      run: async (context) => {
        const store = context.store();
        const end: TimerCancel = { consumer: CONSUMER, instance: "o1", name: "a" };
        const endAll: TimerCancel = { consumer: CONSUMER, instance: "o1" };
        await apply(store, timer("a", 10), end, timer("a", 20, { id: "a-2" }), timer("b", 1), end);
        assert.deepEqual(await listed(store), ["o1/b b@1"]);
        await apply(store, timer("a", 10), endAll, timer("c", 30));
        assert.deepEqual(await listed(store), ["o1/c c@30"]);
        await applySets(
          store,
          set("first", { timers: [timer("a", 10), timer("d", 40)] }),
          set("second", { timers: [endAll, timer("a", 20, { id: "a-2" })] }),
        );
        assert.deepEqual(await listed(store), ["o1/a a-2@20"]);
      },
    },
    {
      title: "a set that is left out sets no timer and ends none",
      run: async (context) => {
        const store = context.store();
        await apply(store, timer("a", 10));
        const changes = [timer("b", 20), { consumer: CONSUMER, instance: "o1", name: "a" }];
        const conflict = set("late", {
          events: [{ entity: "o1", expected: 7, events: [] }],
          timers: changes,
        });
        assert.equal(statusesOf(await applySets(store, conflict)), "late conflict");
        await applyInput(store, input(), finishing("first", 0));
        const repeat = { ...finishing("again", 0), timers: changes };
        assert.equal(statusesOf(await applyInput(store, input(), repeat)), "again duplicate");
        assert.deepEqual(await listed(store), ["o1/a a@10"]);
      },
    },
    {
      title: "a consumer's timers are leased by their name, and are no lane with messages",
      run: async (context) => {
        const store = context.store();
        const lease = `timers/${CONSUMER}`;
        await apply(store, timer("a", 10));
        assert.equal(await store.leaseLane(lease, "one", 1000), true);
        assert.equal(await store.leaseLane(lease, "two", 1000), false);
        assert.equal(await store.leaseLane("timers/other", "two", 1000), true);
        assert.deepEqual(await store.pendingLanes(), []);
        await context.time.pass(1200);
        assert.equal(await store.leaseLane(lease, "two", 1000), true);
      },
    },
    {
      title: "a timer's names and moment are checked before anything is written",
      run: async (context) => {
        const store = context.store();
        const long = "x".repeat(1025);
        for (const [code, refused] of [
          ["TOO_LARGE", timer(long, 1)],
          ["TOO_LARGE", timer("a", 1, { instance: long })],
          ["TOO_LARGE", timer("a", 1, { id: long })],
          ["BAD_ARGUMENT", timer("half \uD800", 1)],
          ["BAD_ARGUMENT", timer("a", 1, { instance: "zero \0" })],
          ["BAD_ARGUMENT", timer("a", NaN)],
          ["BAD_ARGUMENT", timer("a", Infinity)],
          ["TOO_LARGE", { consumer: CONSUMER, instance: long }],
        ] as const) {
          const error = await refusal(() => apply(store, timer("b", 1), refused), code);
          assert.equal(error.details["key"], "timers");
        }
        assert.deepEqual(await store.listTimers(CONSUMER), []);
      },
    },
  ],
};

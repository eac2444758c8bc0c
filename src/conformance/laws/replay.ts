/**
 * Law 10: replay and rebuild fire no effect, except a replay in mode `redo`, with the same idempotency
 * keys; the recorded answer of an effect is reused; a double run exposes a fold that cheats.
 */

import assert from "node:assert/strict";
import { consumer } from "../../service/consumer/consumer.ts";
import { document } from "../../service/consumer/document.ts";
import type { Part } from "../../service/part.ts";
import { view } from "../../sourcing/view.ts";
import { compareLists } from "../case.ts";
import type { Law } from "../law-case.ts";
import { Counted, Echoed, echoes, items, repeats } from "./declarations.ts";
import { openStage, type LawStage } from "./stage.ts";

interface Receipt {
  readonly receipt: string;
  readonly handled: number;
}

const receipts = document<Receipt>("receipt");
const KEYS = ["a", "b", "c", "d"];

interface Outside {
  /** The idempotency keys of the calls that were made. */
  readonly calls: string[];
  /** Whether handling fails behind its effect. */
  fails: boolean;
}

/** Calls the outside once for each message, keeps the receipt, and tells a stream of it. */
function charging(outside: Outside): Part {
  return consumer("charging", {
    from: repeats,
    publishes: echoes,
    docs: { receipts },
    policy: { attempts: 2 },
  }).handle({
    Counted: async ({ key, n }, { effect, docs, emit }) => {
      const { receipt } = await effect("charge", ({ idempotencyKey }) => {
        outside.calls.push(idempotencyKey);
        return { receipt: `${key}-${outside.calls.length}` };
      });
      const { handled } = (await docs.receipts.get(key)) ?? { handled: 0 };
      docs.receipts.put(key, { receipt, handled: handled + 1 });
      emit(Echoed({ key, n }));
      if (outside.fails) throw new Error("broken behind the effect");
    },
  });
}

async function handled({ store, until }: LawStage): Promise<readonly number[]> {
  const found = await until(store.getDocuments(receipts.collection, KEYS));
  return KEYS.map((key) => {
    const kept = found.get(key);
    return kept === undefined ? 0 : JSON.parse(kept.json).handled;
  });
}

async function sent(stage: LawStage): Promise<readonly string[]> {
  return (await stage.envelopes("echoes")).map(({ id }) => id);
}

async function publishAll(stage: LawStage): Promise<void> {
  await stage.publish(items(4, KEYS).map(Counted));
  await stage.settled();
}

export const replay: Law = {
  topic: "law 10",
  cases: [
    {
      title: "a rebuild writes documents from recorded answers; it calls, sends and moves nothing",
      run: async (context) => {
        const outside: Outside = { calls: [], fails: false };
        await using stage = await openStage(context, charging(outside));
        await publishAll(stage);
        const [calls, messages] = [outside.calls.length, await sent(stage)];
        const progress = await stage.until(stage.store.listProgress());
        assert.deepEqual([calls, messages.length], [4, 4]);
        const outcome = await stage.until(
          stage.running.runReplay({ part: "charging", mode: "rebuild" }),
        );
        await stage.settled();
        const { complete, withheld, failures } = outcome;
        assert.deepEqual([complete, outcome.handled, withheld, failures], [true, 4, 4, []]);
        assert.deepEqual(await handled(stage), [2, 2, 2, 2]);
        assert.equal(outside.calls.length, calls);
        assert.deepEqual(await sent(stage), messages);
        assert.deepEqual(await stage.until(stage.store.listProgress()), progress);
      },
    },
    {
      title: "a redo calls again with the same idempotency keys, and sends under the same ids",
      run: async (context) => {
        const outside: Outside = { calls: [], fails: false };
        await using stage = await openStage(context, charging(outside));
        await publishAll(stage);
        const keys = outside.calls.splice(0);
        const ids = await sent(stage);
        assert.equal(new Set(keys).size, 4);
        await stage.until(stage.running.runReplay({ part: "charging", mode: "redo" }));
        await stage.settled();
        compareLists(context.note, "keys", outside.calls.toSorted(), keys.toSorted());
        const all = await sent(stage);
        assert.equal(all.length, 8);
        compareLists(context.note, "ids", all.toSorted(), [...ids, ...ids].toSorted());
      },
    },
    {
      title: "an effect without a recorded answer fails in a rebuild instead of being called",
      run: async (context) => {
        const outside: Outside = { calls: [], fails: false };
        await using stage = await openStage(context, charging(outside));
        await publishAll(stage);
        await stage.until(stage.store.trimEffects(Infinity));
        const outcome = await stage.until(
          stage.running.runReplay({ part: "charging", mode: "rebuild" }),
        );
        assert.deepEqual(
          outcome.failures.map(({ code }) => code),
          Array(4).fill("EFFECT_NOT_RECORDED"),
        );
        assert.equal(outside.calls.length, 4);
        assert.deepEqual(await handled(stage), [1, 1, 1, 1]);
      },
    },
    {
      title: "the answer of an effect is reused by the next try, by a redrive, and after a restart",
      needs: ["restart"],
      run: async (context) => {
        const outside: Outside = { calls: [], fails: true };
        {
          await using before = await openStage(context, charging(outside));
          await publishAll(before);
          assert.equal(outside.calls.length, 4, "two tries of each, and one call");
          assert.equal((await before.until(before.running.listParked("charging"))).length, 4);
          assert.deepEqual(await handled(before), [0, 0, 0, 0]);
          assert.deepEqual(await sent(before), []);
        }
        await context.restart();
        outside.fails = false;
        await using after = await openStage(context, charging(outside));
        await after.until(after.running.redriveParked("all"));
        await after.settled();
        assert.equal(outside.calls.length, 4);
        assert.deepEqual(await handled(after), [1, 1, 1, 1]);
        assert.equal((await sent(after)).length, 4);
      },
    },
    {
      title: "a view that is built anew comes to the same documents, and fires nothing",
      run: async (context) => {
        const outside: Outside = { calls: [], fails: false };
        const last = view("last", {
          from: repeats,
          initial: { sum: 0, ids: "", atMs: 0 },
        }).evolve({
          Counted: (s, { n }, { id, time }) => ({ sum: s.sum + n, ids: s.ids + id, atMs: time }),
        });
        await using stage = await openStage(context, [charging(outside), last]);
        await publishAll(stage);
        await publishAll(stage);
        const documents = async (): Promise<unknown> =>
          (await stage.until(stage.running.find("last", {}))).documents;
        const [before, calls, messages] = [
          await documents(),
          outside.calls.length,
          await sent(stage),
        ];
        await stage.until(stage.running.rebuildView("last"));
        await stage.settled();
        const [found] = await stage.until(stage.running.listViews());
        assert.deepEqual(
          found!.generations.map(({ generation, state }) => [generation, state]),
          [
            ["v1", "old"],
            ["v1.r1", "live"],
          ],
        );
        assert.deepEqual(await documents(), before);
        assert.equal(outside.calls.length, calls);
        assert.deepEqual(await sent(stage), messages);
      },
    },
    {
      title: "a double run exposes a fold that cheats, and lets honest ones pass",
      run: async (context) => {
        let drawn = 0;
        const fold = (name: string, next: (n: number, time: number) => number): Part =>
          view(name, { from: repeats, initial: { sum: 0 }, policy: { attempts: 1 } }).evolve({
            Counted: (s, { n }, { time }) => ({ sum: s.sum + next(n, time) }),
          });
        const outside: Outside = { calls: [], fails: false };
        const honest = fold("honest", (n, time) => n + time);
        const cheating = fold("cheating", (n) => n + drawn++);
        await using stage = await openStage(context, [honest, cheating, charging(outside)], {
          handleTwice: true,
        });
        await publishAll(stage);
        const parked = await stage.until(stage.running.listParked("cheating"));
        // Keys run side by side: which is parked first is chance.
        assert.deepEqual(
          new Map(parked.map(({ key, cause }) => [key, cause?.code])),
          new Map(KEYS.map((key) => [key, "NOT_REPEATABLE"])),
        );
        assert.match(parked[0]!.cause!.message, /view "cheating" decided differently/);
        for (const name of ["honest", "charging"]) {
          assert.deepEqual(await stage.until(stage.running.listParked(name)), [], name);
        }
        assert.deepEqual([outside.calls.length, await handled(stage)], [4, [1, 1, 1, 1]]);
      },
    },
  ],
};

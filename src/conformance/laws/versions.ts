/**
 * Law 9: a view with a new version builds beside the old and swaps when caught up; the old stays until
 * it is dropped, so code can go back. A saga's instance keeps its version or is migrated by an
 * upcaster, and is never built anew. Reads accept a position token.
 */

import assert from "node:assert/strict";
import { delay } from "../../model/clock.ts";
import { queue } from "../../schema/channel.ts";
import { command } from "../../schema/message-type.ts";
import type { Part } from "../../service/part.ts";
import { decider } from "../../sourcing/decider.ts";
import { view } from "../../sourcing/view.ts";
import type { Store } from "../../store/store.ts";
import { saga } from "../../saga/saga.ts";
import type { Law, LawContext, Ports } from "../law-case.ts";
import { byKey, Counted, counts, Echoed, echoes, item, items, Work, work } from "./declarations.ts";
import { openStage, overlay, refused, type LawStage } from "./stage.ts";

function sums(): Part {
  return view("numbers", { from: counts, initial: { sum: 0 } }).evolve({
    Counted: (s, { n }) => ({ sum: s.sum + n }),
  });
}

/** The next version, which counts instead, and shows a sum as minus that many while it is built. */
function tallies(): Part {
  return view("numbers", {
    from: counts,
    version: 2,
    initial: { tally: 0 },
    upcast: { 1: (old: { readonly sum: number }) => ({ tally: -old.sum }) },
  }).evolve({ Counted: (s) => ({ tally: s.tally + 1 }) });
}

async function generations({ running, until }: LawStage): Promise<readonly string[]> {
  const [found] = await until(running.listViews());
  return found!.generations.map(({ generation, state }) => `${generation} ${state}`);
}

async function publishAll(stage: LawStage): Promise<void> {
  await stage.publish(items(30).map(Counted));
  await stage.settled();
}

const read = (stage: LawStage, id = "a"): Promise<unknown> =>
  stage.until(stage.running.get("numbers", id));

/** The next start finds the view paused, so nothing is built before it is resumed. */
async function pause(stage: LawStage): Promise<void> {
  await stage.until(stage.running.pause("numbers", { by: "ann", sinceMs: 0 }));
}

/** A saga that sends one command for each event, and counts in its state. */
function process(version: 1 | 2): Part {
  const given = { from: counts, sends: work };
  if (version === 1) {
    return saga("process", { ...given, initial: { n: 0 } })
      .evolve({ Counted: (s) => ({ n: s.n + 1 }) })
      .react({ Counted: (data) => Work(data) });
  }
  return saga("process", {
    ...given,
    version: 2,
    initial: { tally: 0 },
    upcast: { 1: (old: { readonly n: number }) => ({ tally: old.n * 10 }) },
  })
    .evolve({ Counted: (s) => ({ tally: s.tally + 1 }) })
    .react({ Counted: (data) => Work(data) });
}

const VIEWS: ReadonlySet<string> = new Set(["own", "others"]);

/** These views see what happens a while after it is published. */
function slowViews({ environment }: LawContext): (ports: Ports) => Ports {
  return ({ broker, store }) => {
    const apply: Store["apply"] = async (batch) => {
      const slow = batch.input !== undefined && VIEWS.has(batch.input.consumer);
      if (slow) await delay(environment.clock, 300);
      return store.apply(batch);
    };
    return { broker, store: overlay(store, { apply }) };
  };
}

async function built(context: LawContext): Promise<void> {
  await using before = await openStage(context, sums());
  await publishAll(before);
  assert.deepEqual(await generations(before), ["v1 live"]);
  await pause(before);
}

export const versions: Law = {
  topic: "law 9",
  cases: [
    {
      title: "a view's new version is built beside the old, which answers until it has caught up",
      needs: ["restart"],
      run: async (context) => {
        await built(context);
        await context.restart();
        await using stage = await openStage(context, tallies());
        assert.deepEqual(await generations(stage), ["v1 live", "v2 building"]);
        assert.deepEqual(await read(stage), { tally: -135 }, "the old one, in the new shape");
        await stage.until(stage.running.resume("numbers"));
        await publishAll(stage);
        assert.deepEqual(await generations(stage), ["v1 old", "v2 live"]);
        assert.deepEqual(await read(stage), { tally: 20 });
      },
    },
    {
      title: "the old version stays until it is dropped, and old code goes back to it",
      needs: ["restart"],
      run: async (context) => {
        await built(context);
        await context.restart();
        {
          await using newer = await openStage(context, tallies());
          await newer.until(newer.running.resume("numbers"));
          await publishAll(newer);
        }
        await context.restart();
        {
          await using older = await openStage(context, sums());
          assert.deepEqual(await generations(older), ["v1 live", "v2 old"]);
          await older.settled();
          assert.deepEqual(await read(older), { sum: 270 }, "it has caught up");
        }
        await context.restart();
        await using newer = await openStage(context, tallies());
        await newer.settled();
        assert.deepEqual(await generations(newer), ["v1 old", "v2 live"]);
        await refused("NOT_ALLOWED", newer.until(newer.running.dropView("numbers", "v2")));
        await newer.until(newer.running.dropView("numbers", "v1"));
        assert.deepEqual(await generations(newer), ["v2 live"]);
        assert.deepEqual(await read(newer), { tally: 20 });
      },
    },
    {
      title: "an instance of a saga keeps its version until it is migrated; newer ones park",
      needs: ["restart", "queues"],
      run: async (context) => {
        {
          await using first = await openStage(context, process(1));
          await first.publish(items(2, ["touched", "left"]).map(Counted));
          await first.settled();
        }
        await context.restart();
        {
          await using second = await openStage(context, process(2));
          await second.publish(Counted({ key: "touched", n: 2 }));
          await second.settled();
          const touched = await second.until(second.running.showSaga("process", "touched"));
          assert.deepEqual([touched.version, touched.stateJson], [2, '{"tally":11}']);
          const left = await second.until(second.running.showSaga("process", "left"));
          assert.deepEqual([left.version, left.stateJson], [1, '{"n":1}']);
        }
        await context.restart();
        await using first = await openStage(context, process(1));
        await first.publish(items(2, ["touched", "left"], 3).map(Counted));
        await first.settled();
        const parked = await first.until(first.running.listParked("process"));
        assert.deepEqual(
          parked.map(({ key, cause }) => [key, cause?.kind]),
          [["touched", "bad-message"]],
        );
        assert.match(parked[0]!.cause!.message, /version 2/);
        const left = await first.until(first.running.showSaga("process", "left"));
        assert.equal(left.stateJson, '{"n":2}');
      },
    },
    {
      title: "a saga is never built anew: neither a rebuild nor a replay of it is taken",
      needs: ["queues"],
      run: async (context) => {
        await using stage = await openStage(context, process(1));
        await stage.publish(items(4).map(Counted));
        await stage.settled();
        const sent = async (): Promise<number> =>
          (await stage.until(stage.broker.queues!.describeQueue("work"))).waiting;
        assert.equal(await sent(), 4);
        const { running } = stage;
        await refused("UNKNOWN_VIEW", stage.until(running.rebuildView("process")));
        for (const mode of ["rebuild", "redo"] as const) {
          await refused("BAD_ARGUMENT", stage.until(running.runReplay({ part: "process", mode })));
        }
        await stage.settled();
        assert.equal(await sent(), 4);
      },
    },
    {
      title: "a read with a token waits until the view has seen it, or says that it has not",
      run: async (context) => {
        await using stage = await openStage(context, sums());
        await stage.publish(Counted({ key: "a", n: 1 }));
        await stage.settled();
        await pause(stage);
        const [published] = await stage.publish(Counted({ key: "a", n: 2 }));
        const get = (deadlineMs: number): Promise<unknown> =>
          stage.running.get("numbers", "a", { notBefore: published!.token!, deadlineMs });
        assert.deepEqual(await read(stage), { sum: 1 });
        await refused("DEADLINE", stage.until(get(500)));
        const waiting = get(600_000);
        await stage.until(stage.running.resume("numbers"));
        assert.deepEqual(await stage.until(waiting), { sum: 3 });
        await refused(
          "BAD_ARGUMENT",
          stage.until(stage.running.get("numbers", "a", { notBefore: "x" })),
        );
      },
    },
    {
      title: "the token of an answer is seen by the decider's own views and by those of its stream",
      needs: ["queues", "deadLetters", "delay"],
      run: async (context) => {
        const Count = command("count", item, byKey);
        const desk = queue("desk", { Count });
        const counter = decider("counter", {
          commands: desk,
          events: { Echoed },
          publishes: echoes,
          initial: { sum: 0 },
        })
          .evolve({ Echoed: (s, { n }) => ({ sum: s.sum + n }) })
          .decide({ Count: (data) => Echoed(data) });
        const fold = { Echoed: (s: { sum: number }, { n }: { n: number }) => ({ sum: s.sum + n }) };
        const own = view("own", { from: counter, initial: { sum: 0 } }).evolve(fold);
        const others = view("others", { from: echoes, initial: { sum: 0 } }).evolve(fold);
        await using stage = await openStage(context, [counter, own, others], {
          wrap: slowViews(context),
        });
        for (let n = 1; n <= 5; n++) {
          const answer = await stage.until(
            stage.running.ask(Count({ key: "a", n }), { deadlineMs: 600_000 }),
          );
          assert.ok(answer.ok);
          const seen = { notBefore: answer.token, deadlineMs: 600_000 };
          for (const name of VIEWS) {
            const document = await stage.until(stage.running.get(name, "a", seen));
            assert.deepEqual(document, { sum: (n * (n + 1)) / 2 }, name);
          }
        }
      },
    },
  ],
};

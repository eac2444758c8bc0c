/**
 * Law 3, second half: what a parked key is, its bound, its redrive, reads of what is parked, and what
 * the tools show of it.
 */

import assert from "node:assert/strict";
import type { Admin } from "../../admin/admin.ts";
import { createAdmin } from "../../admin/create-admin.ts";
import { queue, stream } from "../../schema/channel.ts";
import { command, event } from "../../schema/message-type.ts";
import { createRegistry } from "../../schema/registry.ts";
import { consumer } from "../../service/consumer/consumer.ts";
import { badMessage } from "../../service/failure.ts";
import type { Part } from "../../service/part.ts";
import { view } from "../../sourcing/view.ts";
import type { Law, LawContext } from "../law-case.ts";
import {
  byKey,
  Counted,
  counts,
  item,
  items,
  streamKeeper,
  trailsFor,
  trailsOf,
  Work,
  work,
} from "./declarations.ts";
import { openStage, pausedOf, refused, type LawStage } from "./stage.ts";

const Line = command("line", item, byKey);
const line = queue("line", { Line }, { attempts: 3, keyOrder: true });

/** A part of a stream, of a queue, and of a queue that keeps order: 0 fails them while it is broken. */
function threeKinds(broken: () => boolean): readonly Part[] {
  const seen = ({ n }: { readonly n: number }): void => {
    if (n === 0 && broken()) throw badMessage("it is 0");
  };
  return [
    consumer("listener", { from: counts }).handle({ Counted: seen }),
    consumer("worker", { from: work }).handle({ Work: seen }),
    consumer("queuer", { from: line }).handle({ Line: seen }),
  ];
}

function adminOf({ broker, running }: LawStage, { environment }: LawContext): Admin {
  const { streams, queues } = broker;
  const registry = createRegistry([counts, work, line]);
  return createAdmin({ streams, queues, services: () => [running], registry, environment });
}

/** Of each failure where it is, of whom, of which key, and whether it failed or waits behind one. */
async function shown({ until }: LawStage, admin: Admin): Promise<readonly string[]> {
  const failures = await until(admin.listFailures());
  return failures
    .map(({ place, part, input, key, waiting, cause }) => {
      assert.equal(cause === undefined, waiting, "what failed says why");
      return `${place} ${part ?? input} ${key} ${waiting ? "waiting" : "failed"}`;
    })
    .toSorted();
}

export const parking: Law = {
  topic: "law 3",
  cases: [
    {
      title: "the parking key of a view is its document, whatever the key of the event",
      run: async (context) => {
        const byTen = view("by-ten", {
          from: counts,
          initial: { ns: [] as readonly number[] },
          id: { Counted: ({ n }) => `tens-${Math.floor(n / 10)}` },
          policy: { attempts: 1 },
        }).evolve({
          Counted: (s, { n }) => {
            if (n === 3) throw new Error("this fold cannot");
            return { ns: [...s.ns, n].toSorted((one, other) => one - other) };
          },
        });
        await using stage = await openStage(context, byTen);
        await stage.publish(items(3, ["a", "b", "c"]).map(Counted));
        await stage.settled();
        await stage.publish(items(17, ["a", "b", "c"], 3).map(Counted));
        await stage.settled();
        const parked = await stage.until(stage.running.listParked("by-ten"));
        assert.deepEqual(new Set(parked.map(({ key }) => key)), new Set(["tens-0"]));
        const doc = (id: string): Promise<unknown> => stage.until(stage.running.get("by-ten", id));
        assert.deepEqual(await doc("tens-1"), { ns: [10, 11, 12, 13, 14, 15, 16, 17, 18, 19] });
        // What came to the same partition before the failure was folded, and nothing after it.
        const { ns }: any = await doc("tens-0");
        assert.equal(ns.length + parked.length, 10);
        assert.ok(!ns.includes(3) && [0, 1, 2].every((n) => ns.includes(n)), String(ns));
      },
    },
    {
      title: "keyless messages park alone",
      run: async (context) => {
        const Noted = event("noted", item);
        const notes = stream("notes", { Noted }, { partitions: 1 });
        const seen: number[] = [];
        const part = consumer("reader", { from: notes, concurrency: 1 }).handle({
          Noted: ({ n }) => {
            if (n === 1) throw badMessage("wrong");
            seen.push(n);
          },
        });
        await using stage = await openStage(context, part);
        await stage.publish(items(5, ["same"]).map(Noted));
        await stage.settled();
        assert.deepEqual(seen, [0, 2, 3, 4]);
        assert.equal((await stage.until(stage.running.listParked("reader"))).length, 1);
      },
    },
    {
      title: "at the bound of waiting rows the partition pauses visibly, and goes on with room",
      run: async (context) => {
        let broken = true;
        const part = streamKeeper(counts, {
          policy: { parkedMax: 3 },
          before: ({ key }) => {
            if (broken && key === "a") throw badMessage("wrong");
          },
        });
        await using stage = await openStage(context, part);
        await stage.publish(items(8, ["a"]).map(Counted));
        const paused = async (): Promise<string> => pausedOf(await stage.status());
        await stage.eventually("the input pauses", async () => (await paused()) !== "");
        await context.time.pass(5000);
        assert.match(await paused(), /3 messages are parked, the most allowed/);
        assert.equal((await stage.until(stage.running.listParked("keeper"))).length, 3);
        broken = false;
        await stage.until(stage.running.redriveParked("all"));
        await stage.settled();
        assert.equal(await paused(), "");
        assert.deepEqual(await trailsOf(stage), { a: [0, 1, 2, 3, 4, 5, 6, 7] });
      },
    },
    {
      title: "parked rows and what waits behind them outlive a restart, and their order with them",
      needs: ["restart"],
      run: async (context) => {
        let broken = true;
        const part = streamKeeper(counts, {
          before: ({ n }) => {
            if (broken && n === 0) throw badMessage("wrong");
          },
        });
        {
          await using before = await openStage(context, part);
          await before.publish(items(9).map(Counted));
          await before.settled();
          assert.equal((await before.until(before.running.listParked("keeper"))).length, 3);
        }
        await context.restart();
        await using after = await openStage(context, part);
        await after.publish(items(3, ["a", "b", "c"], 9).map(Counted));
        await after.settled();
        assert.equal((await after.until(after.running.listParked("keeper"))).length, 4);
        broken = false;
        await after.until(after.running.redriveParked("all"));
        await after.settled();
        assert.deepEqual(await trailsOf(after), trailsFor(items(12)));
        assert.deepEqual(await after.until(after.running.listParked("keeper")), []);
      },
    },
    {
      title: "a redrive that fails again keeps the order, and waits for the next one",
      run: async (context) => {
        let broken = [0, 2];
        const part = streamKeeper(counts, {
          policy: { attempts: 1 },
          before: ({ n }) => {
            if (broken.includes(n)) throw new Error(`broken at ${n}`);
          },
        });
        await using stage = await openStage(context, part);
        await stage.publish(items(5, ["a"]).map(Counted));
        await stage.settled();
        broken = [2];
        await stage.until(stage.running.redriveParked("all"));
        await stage.settled();
        assert.deepEqual(await trailsOf(stage), { a: [0, 1] });
        const rows = await stage.until(stage.running.listParked("keeper"));
        assert.deepEqual(
          rows.map(({ cause, redrive }) => [cause?.message, redrive]),
          [
            ["broken at 2", false],
            [undefined, false],
            [undefined, false],
          ],
        );
        broken = [];
        await stage.until(stage.running.redriveParked([rows[0]!.row]));
        await stage.settled();
        assert.deepEqual(await trailsOf(stage), { a: [0, 1, 2, 3, 4] });
      },
    },
    {
      title: "a token read of a parked document fails with PARKED; other documents are read",
      run: async (context) => {
        let broken = true;
        const sums = view("sums", {
          from: counts,
          initial: { sum: 0 },
          policy: { attempts: 1 },
        }).evolve({
          Counted: (s, { key, n }) => {
            if (broken && key === "a") throw new Error("this fold cannot");
            return { sum: s.sum + n };
          },
        });
        await using stage = await openStage(context, sums);
        const [a, b] = await stage.publish([
          Counted({ key: "a", n: 1 }),
          Counted({ key: "b", n: 2 }),
        ]);
        const get = (id: string, notBefore?: string): Promise<unknown> =>
          stage.until(stage.running.get("sums", id, { notBefore: notBefore!, deadlineMs: 60_000 }));
        assert.deepEqual(await get("b", b!.token), { sum: 2 });
        const error = await refused("PARKED", get("a", a!.token));
        assert.match(error.message, /"a"; redrive it/);
        broken = false;
        await stage.until(stage.running.redriveParked("all"));
        await stage.settled();
        assert.deepEqual(await get("a", a!.token), { sum: 1 });
      },
    },
    {
      title: "tools show what is parked in the store and what is dead in a queue, each labelled",
      needs: ["queues", "deadLetters", "delay", "keyOrder"],
      run: async (context) => {
        let broken = true;
        await using stage = await openStage(
          context,
          threeKinds(() => broken),
        );
        await using admin = adminOf(stage, context);
        assert.deepEqual(await shown(stage, admin), []);
        await stage.publish(items(3, ["a"]).map(Counted));
        await stage.publish(items(3, ["a"]).map(Work));
        await stage.publish(items(3, ["a"]).map(Line));
        await stage.settled();
        assert.deepEqual(await shown(stage, admin), [
          "queue work a failed",
          "store laws.listener a failed",
          "store laws.listener a waiting",
          "store laws.listener a waiting",
          "store laws.queuer a failed",
          "store laws.queuer a waiting",
          "store laws.queuer a waiting",
        ]);
        broken = false;
        const { count } = await stage.until(admin.redrive({ part: "laws.listener" }));
        await stage.settled();
        assert.equal(count, 3);
        assert.equal((await shown(stage, admin)).length, 4, "the other two are as they were");
        await stage.until(admin.redrive({}));
        await stage.settled();
        assert.deepEqual(await shown(stage, admin), []);
      },
    },
  ],
};

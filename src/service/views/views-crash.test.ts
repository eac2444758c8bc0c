/**
 * The life of a view's versions, killed before and after every single call that changes the store: a
 * new version is built and takes over, and the old one is dropped. Whatever the moment, the next start
 * finds one of the valid states, goes on from there, and ends where an undisturbed run ends.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import type { BrokerFactory } from "../../broker/broker.ts";
import { memoryBroker } from "../../memory/broker.ts";
import { memoryStore } from "../../memory/store.ts";
import { MillraceError } from "../../model/errors.ts";
import { stream } from "../../schema/channel.ts";
import { event } from "../../schema/message-type.ts";
import { view } from "../../sourcing/view.ts";
import type { Store, StoreFactory } from "../../store/store.ts";
import { createTestEnvironment, type TestEnvironment } from "../../testing/environment.ts";
import { openTestService, type TestPorts, type TestService } from "../../testing/test-service.ts";
import { service } from "../service.ts";
import { generationName, VIEWS } from "./view-record.ts";
import { readRecord } from "./view-records.ts";

const Placed = event("order.placed", z.object({ orderId: z.string(), total: z.number() }), {
  key: (e) => e.orderId,
});
const orders = stream("orders", { Placed }, { partitions: 2 });
const initial = { version: 0, total: 0 };
const versions = [1, 2].map((version) =>
  view("totals", { from: orders, version, initial }).evolve({
    Placed: (s, e) => ({ version, total: s.total + e.total }),
  }),
);

const ORDERS = ["a", "b", "c"];
const CHANGES = new Set(["apply", "ensureCollections", "dropCollection", "forgetConsumer", "seek"]);

interface Kill {
  readonly at: number;
  readonly when: "before" | "after";
}

/** The store of a process that is killed at one of its changing calls: it never answers again. */
function killed(store: Store, kill: Kill | undefined, calls: { count: number }): Store {
  const state = { dead: false };
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== "function") return member;
      return async (...parameters: unknown[]): Promise<unknown> => {
        const mine = CHANGES.has(String(name)) ? calls.count++ : -1;
        if (kill?.at === mine && kill.when === "before") state.dead = true;
        if (state.dead) throw new MillraceError("CLOSED", "the process is gone");
        const result: unknown = await Reflect.apply(member, target, parameters);
        if (kill?.at === mine) state.dead = true;
        if (state.dead) throw new MillraceError("CLOSED", "the process is gone");
        return result;
      };
    },
  });
}

class Stage {
  readonly environment: TestEnvironment = createTestEnvironment();
  readonly broker: BrokerFactory = memoryBroker();
  readonly store: StoreFactory = memoryStore();

  open(version: 1 | 2, wrap?: (ports: TestPorts) => TestPorts): Promise<TestService> {
    const { environment, broker, store } = this;
    const shop = service("shop", { totals: versions[version - 1]! });
    return openTestService({
      service: shop,
      environment,
      broker,
      store,
      ...(wrap && { wrap }),
    });
  }

  /** The second version is deployed, takes over, and the first is dropped. */
  async upgrade(kill?: Kill): Promise<number> {
    const calls = { count: 0 };
    const wrap = ({ broker, store }: TestPorts): TestPorts => ({
      broker,
      store: killed(store, kill, calls),
    });
    try {
      const shop = await this.open(2, wrap);
      try {
        await shop.until(Promise.race([shop.running.settled(), gone(shop)]));
        await shop.until(shop.running.dropView("totals", 1));
      } finally {
        await shop.close();
      }
    } catch (error) {
      if (kill === undefined) throw error;
    }
    return calls.count;
  }
}

/** Rejects when an input has ended with its process. */
async function gone(shop: TestService): Promise<never> {
  for (;;) {
    const statuses = await shop.running.status();
    const stuck = statuses.flatMap(({ inputs }) => inputs).find(({ paused }) => paused);
    if (stuck !== undefined) throw new Error(stuck.paused);
    await new Promise<void>((resolve) => shop.environment.clock.after(1000, resolve));
  }
}

async function generations(shop: TestService): Promise<string> {
  const [found] = await shop.running.listViews();
  return found!.generations.map(({ generation, state }) => `${generation} ${state}`).join(", ");
}

/** What a kill may leave in the store. */
const VALID = new Set([
  "no record",
  "v1 live, v2 building",
  "v1 old, v2 live",
  "v1 dropping, v2 live",
  "v2 live",
]);

async function leftBehind({ store, environment }: Stage): Promise<string> {
  await using opened = await store.open({ service: "shop", environment });
  await opened.ensureCollections([VIEWS]);
  const { record } = await readRecord(opened, "totals");
  const found = record.generations.map((each) => `${generationName(each)} ${each.state}`);
  return found.join(", ") || "no record";
}

async function begun(): Promise<Stage> {
  const stage = new Stage();
  await using shop = await stage.open(1);
  await shop.publish(ORDERS.map((orderId) => Placed({ orderId, total: 5 })));
  await shop.settled();
  return stage;
}

test("a kill at any call of build, swap and drop leaves a state that the next start goes on from", async () => {
  const calls = await (await begun()).upgrade();
  assert.ok(calls > 5, `${calls} calls change the store`);
  const met = new Set<string>();
  for (let at = 0; at < calls; at++) {
    for (const when of ["before", "after"] as const) {
      const stage = await begun();
      await stage.upgrade({ at, when });
      const left = await leftBehind(stage);
      const where = `killed ${when} call ${at}: ${left}`;
      assert.ok(VALID.has(left), where);
      met.add(left);
      await using shop = await stage.open(2);
      for (const id of ORDERS) {
        const read: any = await shop.running.get("totals", id);
        assert.equal(read?.total, 5, where);
      }
      await shop.settled();
      if ((await generations(shop)) === "v1 old, v2 live") {
        await shop.until(shop.running.dropView("totals", 1));
      }
      assert.equal(await generations(shop), "v2 live", where);
      assert.deepEqual(await shop.running.get("totals", "a"), { version: 2, total: 5 }, where);
      const consumers = (await shop.store.listProgress()).map(({ consumer }) => consumer);
      assert.deepEqual(new Set(consumers), new Set(["totals.v2"]), where);
      await assert.rejects(shop.store.countDocuments("view.totals.v1"), where);
    }
  }
  assert.deepEqual(met, VALID);
});

test("a kill at any call of going back leaves the old version answering in the end", async () => {
  const upgraded = async (): Promise<Stage> => {
    const stage = await begun();
    await using shop = await stage.open(2);
    await shop.settled();
    return stage;
  };
  const back = async (stage: Stage, kill?: Kill): Promise<number> => {
    const calls = { count: 0 };
    try {
      await using shop = await stage.open(1, ({ broker, store }) => ({
        broker,
        store: killed(store, kill, calls),
      }));
      await shop.until(Promise.race([shop.running.settled(), gone(shop)]));
    } catch (error) {
      if (kill === undefined) throw error;
    }
    return calls.count;
  };
  const calls = await back(await upgraded());
  assert.ok(calls > 0, `${calls} calls change the store`);
  for (let at = 0; at < calls; at++) {
    for (const when of ["before", "after"] as const) {
      const stage = await upgraded();
      await back(stage, { at, when });
      await using shop = await stage.open(1);
      await shop.settled();
      assert.equal(await generations(shop), "v1 live, v2 old", `killed ${when} call ${at}`);
      assert.deepEqual(await shop.running.get("totals", "a"), { version: 1, total: 5 });
    }
  }
});

test("whatever a killed upgrade has left, the old code answers again, shows it and can drop it", async () => {
  const calls = await (await begun()).upgrade();
  for (let at = 0; at < calls; at++) {
    const stage = await begun();
    await stage.upgrade({ at, when: "after" });
    const left = await leftBehind(stage);
    const where = `killed after call ${at}: ${left}`;
    await using shop = await stage.open(1);
    await shop.settled();
    assert.match(await generations(shop), /\bv1(\.r1)? live\b/, where);
    assert.deepEqual(await shop.running.get("totals", "a"), { version: 1, total: 5 }, where);
    if (left.includes("v2")) await shop.until(shop.running.dropView("totals", 2));
    assert.match(await generations(shop), /^v1(\.r1)? live$/, where);
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import type { BrokerFactory } from "../../broker/broker.ts";
import { memoryBroker } from "../../memory/broker.ts";
import { memoryStore } from "../../memory/store.ts";
import { isMillraceError, type ErrorCode } from "../../model/errors.ts";
import { stream } from "../../schema/channel.ts";
import { event } from "../../schema/message-type.ts";
import { view, type View } from "../../sourcing/view.ts";
import type { StoreFactory } from "../../store/store.ts";
import { createTestEnvironment, type TestEnvironment } from "../../testing/environment.ts";
import { openTestService, type TestService } from "../../testing/test-service.ts";
import { service } from "../service.ts";

const Placed = event("order.placed", z.object({ orderId: z.string(), total: z.number() }), {
  key: (e) => e.orderId,
});
const orders = stream("orders", { Placed }, { partitions: 3 });

interface Totals {
  readonly total: number;
}

function totals(version = 1): View<Totals> {
  return view("totals", {
    from: orders,
    version,
    initial: { total: 0 },
    index: ["total"],
  }).evolve({ Placed: (s, e) => ({ total: s.total + e.total }) });
}

/** Counts instead of summing, and is found by the count. */
function counts(options: { readonly swap?: "manual"; readonly fails?: () => boolean } = {}) {
  const { swap = "automatic", fails = () => false } = options;
  return view("totals", {
    from: orders,
    version: 2,
    swap,
    initial: { count: 0 },
    index: ["count"],
    upcast: { 1: (old: Totals) => ({ count: -old.total }) },
    policy: { attempts: 1 },
  }).evolve({
    Placed: (s) => {
      if (fails()) throw new Error("this fold cannot");
      return { count: s.count + 1 };
    },
  });
}

/** One broker and one store, on which one service after another runs. */
class Stage {
  readonly environment: TestEnvironment = createTestEnvironment();
  readonly broker: BrokerFactory = memoryBroker();
  readonly store: StoreFactory = memoryStore();

  run(part: View): Promise<TestService> {
    const { environment, broker, store } = this;
    return openTestService({ service: service("shop", { part }), environment, broker, store });
  }
}

const ORDERS = ["a", "b", "c", "d", "e"];

async function place(shop: TestService, times = 1): Promise<void> {
  for (let time = 0; time < times; time++) {
    await shop.publish(ORDERS.map((orderId) => Placed({ orderId, total: 10 })));
  }
  await shop.settled();
}

/** The next start finds the view paused, so nothing is built before it is resumed. */
async function pause(shop: TestService): Promise<void> {
  await shop.until(shop.running.pause("totals", { by: "ann", sinceMs: 0 }));
}

async function generations(shop: TestService): Promise<readonly string[]> {
  const [found] = await shop.running.listViews();
  return found!.generations.map(({ generation, state }) => `${generation} ${state}`);
}

async function refused(code: ErrorCode, work: Promise<unknown>): Promise<string> {
  const error: unknown = await work.then(
    () => assert.fail("it was not refused"),
    (reason: unknown) => reason,
  );
  assert.ok(isMillraceError(error, code), String(error));
  return error.message;
}

test("a new version is built beside the one that answers, and takes over when it has caught up", async () => {
  const stage = new Stage();
  {
    await using shop = await stage.run(totals());
    await place(shop, 2);
    assert.deepEqual(await generations(shop), ["v1 live"]);
    await pause(shop);
  }
  await using shop = await stage.run(counts());
  assert.deepEqual(await generations(shop), ["v1 live", "v2 building"]);
  // The old one answers, in the new shape.
  assert.deepEqual(await shop.running.get("totals", "a"), { count: -20 });
  await shop.until(shop.running.resume("totals"));
  await shop.settled();
  assert.deepEqual(await generations(shop), ["v1 old", "v2 live"]);
  assert.deepEqual(await shop.running.get("totals", "a"), { count: 2 });
  const { documents } = await shop.running.find("totals", { where: { count: 2 } });
  assert.equal(documents.length, ORDERS.length);
});

test("while a version is built, what the old one does not index is refused with the reason", async () => {
  const stage = new Stage();
  {
    await using shop = await stage.run(totals());
    await place(shop);
  }
  await using shop = await stage.run(counts({ swap: "manual" }));
  const where = { count: 1 };
  const text = await refused("VIEW_BUILDING", shop.running.find("totals", { where }));
  assert.match(text, /version 2 of totals is being built, and v1, which answers/);
  await refused("BAD_ARGUMENT", shop.running.find("totals", { where: { nothing: 1 } }));
  assert.equal((await shop.running.find("totals", {})).documents.length, ORDERS.length);
  await shop.settled();
  await shop.until(shop.running.swapView("totals"));
  assert.equal((await shop.running.find("totals", { where })).documents.length, ORDERS.length);
});

test("a manual swap waits for a person, and one that has not caught up is refused", async () => {
  const stage = new Stage();
  {
    await using shop = await stage.run(totals());
    await place(shop);
    await pause(shop);
  }
  await using shop = await stage.run(counts({ swap: "manual" }));
  assert.match(await refused("CONFLICT", shop.running.swapView("totals")), /5 messages behind/);
  await shop.until(shop.running.resume("totals"));
  await shop.settled();
  assert.deepEqual(await generations(shop), ["v1 live", "v2 ready"]);
  const [found] = await shop.running.listViews();
  assert.match(found!.generations[1]!.heldBy ?? "", /by hand/);
  await shop.until(shop.running.swapView("totals", 2));
  assert.deepEqual(await generations(shop), ["v1 old", "v2 live"]);
});

test("going back to the old code makes it answer again and catch up", async () => {
  const stage = new Stage();
  for (const part of [totals(), counts()]) {
    await using shop = await stage.run(part);
    await place(shop);
  }
  {
    await using shop = await stage.run(totals());
    assert.deepEqual(await generations(shop), ["v1 live", "v2 old"]);
    await shop.settled();
    assert.deepEqual(await shop.running.get("totals", "a"), { total: 20 });
    await place(shop);
    await pause(shop);
  }
  await using shop = await stage.run(counts());
  assert.deepEqual(await generations(shop), ["v1 live", "v2 building"]);
  await shop.until(shop.running.resume("totals"));
  await shop.settled();
  assert.deepEqual(await shop.running.get("totals", "a"), { count: 3 });
});

// proves: rebuild
test("a rebuild goes on beside live traffic, shows its progress, pauses and resumes, and swaps", async () => {
  const stage = new Stage();
  {
    await using shop = await stage.run(totals());
    await place(shop, 20);
    const asked = [shop.running.rebuildView("totals"), shop.running.pauseBuild("totals")];
    const [begun, paused] = await shop.until(Promise.all(asked));
    assert.deepEqual([begun!.generation, begun!.total], ["v1.r1", 100]);
    assert.ok(paused!.paused && paused!.done! <= 100, JSON.stringify(paused));
    await place(shop);
    const [building] = await shop.running.listViews();
    const { done, total } = building!.generations[1]!;
    assert.ok(done! <= 100, `${done} of ${total} were folded`);
    assert.equal(total, 105);
    assert.deepEqual(await generations(shop), ["v1 live", "v1.r1 building"]);
    assert.deepEqual(await shop.running.get("totals", "a"), { total: 210 });
    await refused("CONFLICT", shop.running.rebuildView("totals"));
  }
  await using shop = await stage.run(totals());
  await shop.settled();
  assert.deepEqual(await generations(shop), ["v1 live", "v1.r1 building"]);
  await shop.until(shop.running.resumeBuild("totals"));
  await place(shop);
  assert.deepEqual(await generations(shop), ["v1 old", "v1.r1 live"]);
  assert.deepEqual(await shop.running.get("totals", "a"), { total: 220 });
  const [found] = await shop.running.listViews();
  const { done, total } = found!.generations[1]!;
  assert.deepEqual({ done, total }, { done: 110, total: 110 });
});

test("a generation that answers cannot be dropped; another is removed whole", async () => {
  const stage = new Stage();
  await using shop = await stage.run(totals());
  await place(shop);
  await refused("NOT_ALLOWED", shop.until(shop.running.dropView("totals", "v1")));
  await shop.until(shop.running.rebuildView("totals"));
  await shop.settled();
  await shop.until(shop.running.dropView("totals", "v1"));
  assert.deepEqual(await generations(shop), ["v1.r1 live"]);
  const consumers = (await shop.store.listProgress()).map(({ consumer }) => consumer);
  assert.deepEqual(new Set(consumers), new Set(["totals.v1.r1"]));
  await refused("BAD_ARGUMENT", shop.store.countDocuments("view.totals.v1"));
  assert.deepEqual(await shop.running.get("totals", "a"), { total: 10 });
  await refused("BAD_ARGUMENT", shop.running.dropView("totals", "v1"));
  await refused("UNKNOWN_VIEW", shop.running.dropView("none", "v1"));
});

test("an old generation of the same version can be made to answer again", async () => {
  const stage = new Stage();
  await using shop = await stage.run(totals());
  await place(shop);
  await shop.until(shop.running.rebuildView("totals"));
  await place(shop);
  await shop.until(shop.running.swapView("totals", "v1"));
  await shop.settled();
  assert.deepEqual(await generations(shop), ["v1 live", "v1.r1 old"]);
  assert.deepEqual(await shop.running.get("totals", "a"), { total: 20 });
});

test("folds that park what the old version took do not take over by themselves", async () => {
  const stage = new Stage();
  {
    await using shop = await stage.run(totals());
    await place(shop);
  }
  let fails = true;
  await using shop = await stage.run(counts({ fails: () => fails }));
  await shop.settled();
  const [found] = await shop.running.listViews();
  assert.deepEqual(await generations(shop), ["v1 live", "v2 ready"]);
  assert.match(
    found!.generations[1]!.heldBy ?? "",
    /5 messages parked, and the one that answers 0/,
  );
  fails = false;
  await shop.until(shop.running.redriveParked("all"));
  await shop.settled();
  assert.deepEqual(await generations(shop), ["v1 old", "v2 live"]);
  assert.deepEqual(await shop.running.get("totals", "a"), { count: 1 });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { createRegistry } from "../schema/registry.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { service } from "../service/service.ts";
import { view } from "../sourcing/view.ts";
import { openTestService, type TestService } from "../testing/test-service.ts";
import type { Admin } from "./admin.ts";
import { createAdmin } from "./create-admin.ts";

const orderId = z.object({ orderId: z.string() });
const key = (data: { readonly orderId: string }): string => data.orderId;
const OrderPlaced = event("order.placed", orderId.extend({ total: z.number() }), { key });
const PlaceOrder = command("order.place", orderId, { key });
const orders = stream("orders", { OrderPlaced }, { partitions: 1 });
const orderDesk = queue("order-desk", { PlaceOrder }, { attempts: 1 });

function adminOf({ running, broker, environment }: TestService): Admin {
  const { streams, queues } = broker;
  const registry = createRegistry([orders, orderDesk]);
  return createAdmin({ streams, queues, services: () => [running], registry, environment });
}

/** A service that notes what it handles, and fails for order o1 as long as `broken` says. */
function noting(state: { broken: boolean; readonly seen: string[] }) {
  const work = async ({ orderId: id, total }: { orderId: string; total?: number }) => {
    if (state.broken && id === "o1") throw new TypeError("no such order");
    state.seen.push(total === undefined ? id : `${id}:${total}`);
  };
  const once = { policy: { attempts: 1 } };
  return service("shop", {
    notes: consumer("notes", { from: orders, ...once }).handle({ OrderPlaced: work }),
    desk: consumer("desk", { from: orderDesk, ...once }).handle({ PlaceOrder: work }),
    totals: view("totals", { from: orders, initial: { total: 0 } }).evolve({
      OrderPlaced: (current, { total }) => ({ total: current.total + total }),
    }),
  });
}

test("a redrive reaches the part at work, which works off the failure and what waited, in order", async () => {
  const state = { broken: true, seen: [] as string[] };
  await using shop = await openTestService({ service: noting(state) });
  const admin = adminOf(shop);
  await shop.publish([1, 2, 3].map((total) => OrderPlaced({ orderId: "o1", total })));
  await shop.publish([OrderPlaced({ orderId: "o2", total: 9 }), PlaceOrder({ orderId: "o1" })]);
  await shop.settled();
  assert.deepEqual(state.seen, ["o2:9"]);
  const failures = await shop.until(admin.listFailures());
  assert.deepEqual(
    failures.map(({ place, waiting, cause }) => [place, waiting, cause?.message]),
    [
      ["queue", false, "no such order"],
      ["store", false, "no such order"],
      ["store", true, undefined],
      ["store", true, undefined],
    ],
  );
  const parked = (await admin.lag()).find(({ part }) => part === "notes");
  assert.deepEqual([parked?.parked, parked?.lag], [3, 0]);

  state.broken = false;
  const refs = failures.slice(0, 2).map(({ ref }) => ref);
  assert.deepEqual(await shop.until(admin.redrive(refs, { by: "ann" })), { count: 4 });
  await shop.settled();
  assert.deepEqual(
    state.seen.filter((seen) => seen.startsWith("o1:")),
    ["o1:1", "o1:2", "o1:3"],
  );
  assert.ok(state.seen.includes("o1"), "the command was handled");
  assert.deepEqual(await admin.listFailures(), []);
  const entry = shop.environment.entries.find(({ facts }) => facts["action"] === "redrive");
  assert.equal(entry?.facts["by"], "ann");
});

test("discarding the failure lets what waited behind it go on", async () => {
  const state = { broken: true, seen: [] as string[] };
  await using shop = await openTestService({ service: noting(state) });
  const admin = adminOf(shop);
  await shop.publish([1, 2].map((total) => OrderPlaced({ orderId: "o1", total })));
  await shop.settled();
  state.broken = false;
  const [failed] = await admin.listFailures();
  assert.deepEqual(await shop.until(admin.discard([failed!.ref])), { count: 1 });
  await shop.settled();
  assert.deepEqual(state.seen, ["o1:2"]);
});

// proves: offsets
test("a part at work that is moved back repeats from exactly there, forward skips, and the log says who", async () => {
  const state = { broken: false, seen: [] as string[] };
  const kept = { service: noting(state), broker: memoryBroker(), store: memoryStore() };
  await using shop = await openTestService(kept);
  const admin = adminOf(shop);
  await shop.publish([0, 1, 2, 3, 4].map((total) => OrderPlaced({ orderId: "o1", total })));
  await shop.settled();
  state.seen.length = 0;

  const seek = { group: "shop.notes", stream: "orders", by: "ann" };
  const planned = await shop.until(admin.seek({ ...seek, to: "-2", dryRun: true }));
  assert.deepEqual(planned, [{ partition: 0, before: 5, after: 3 }]);
  await shop.settled();
  assert.deepEqual(state.seen, []);
  assert.deepEqual(await shop.until(admin.seek({ ...seek, to: "-2" })), planned);
  await shop.settled();
  assert.deepEqual(state.seen, ["o1:3", "o1:4"]);

  await shop.until(shop.running.stop());
  await shop.publish([5, 6].map((total) => OrderPlaced({ orderId: "o1", total })));
  const skipped = await shop.until(admin.seek({ ...seek, to: "+1" }));
  assert.deepEqual(skipped, [{ partition: 0, before: 5, after: 6 }]);
  const entry = shop.environment.entries.findLast(({ facts }) => facts["group"] === "shop.notes");
  assert.deepEqual(
    [entry?.facts["by"], entry?.facts["to"], entry?.facts["moved"]],
    ["ann", "+1", skipped],
  );

  state.seen.length = 0;
  await shop.close();
  await using again = await openTestService({ ...kept, environment: shop.environment });
  await again.settled();
  assert.deepEqual(state.seen, ["o1:6"]);
});

test("a view of a running service is read through the admin API, and described with its status", async () => {
  const state = { broken: false, seen: [] as string[] };
  await using shop = await openTestService({ service: noting(state) });
  const admin = adminOf(shop);
  await shop.publish([
    OrderPlaced({ orderId: "o1", total: 2 }),
    OrderPlaced({ orderId: "o1", total: 3 }),
  ]);
  await shop.settled();
  assert.deepEqual(await admin.get("totals", "o1"), { id: "o1", dataJson: '{"total":5}' });
  const { services, groups } = await admin.describe();
  assert.deepEqual(
    services[0]?.status.map(({ name, state: is, handled }) => [name, is, handled]),
    [
      ["notes", "running", 2],
      ["desk", "running", 0],
      ["totals", "running", 2],
    ],
  );
  assert.ok(groups.some(({ group }) => group === "shop.notes"));
});

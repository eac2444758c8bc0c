import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { delay } from "../model/clock.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { createRegistry } from "../schema/registry.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { service } from "../service/service.ts";
import { openTestService, type TestService } from "../testing/test-service.ts";
import type { Admin } from "./admin.ts";
import { createAdmin } from "./create-admin.ts";

const orderId = z.object({ orderId: z.string() });
const key = (data: { readonly orderId: string }): string => data.orderId;
const OrderPlaced = event("order.placed", orderId.extend({ total: z.number() }), { key });
const PlaceOrder = command("order.place", orderId.extend({ total: z.number() }), { key });
const orders = stream("orders", { OrderPlaced }, { partitions: 2 });
const orderDesk = queue("order-desk", { PlaceOrder }, { attempts: 1 });

function adminOf({ running, broker, environment }: TestService): Admin {
  const { streams, queues } = broker;
  const registry = createRegistry([orders, orderDesk]);
  return createAdmin({ streams, queues, services: () => [running], registry, environment });
}

/** Places what is ordered, and takes nothing that costs less than nothing. */
function shop(seen: string[]) {
  const positive = (total: number): void => {
    if (total < 0) throw new RangeError(`${total} is negative`);
  };
  return service("shop", {
    desk: consumer("desk", { from: orderDesk, publishes: orders }).handle({
      PlaceOrder: async (c, { emit }) => {
        positive(c.total);
        emit(OrderPlaced(c));
      },
    }),
    notes: consumer("notes", { from: orders, policy: { attempts: 1 } }).handle({
      OrderPlaced: async ({ orderId: id, total }) => {
        positive(total);
        seen.push(`${id}:${total}`);
      },
    }),
  });
}

test("a corrected dead letter goes back to its queue under its correlation, and the old one goes", async () => {
  const seen: string[] = [];
  await using stage = await openTestService({ service: shop(seen) });
  const admin = adminOf(stage);
  await stage.publish(PlaceOrder({ orderId: "a", total: -5 }), { id: "first" });
  await stage.settled();
  const [failure] = await admin.listFailures();
  const edit = { dataJson: '{"orderId":"a","total":5}' };
  const tried = await stage.until(admin.editFailure(failure!.ref, edit, { dryRun: true }));
  assert.deepEqual(tried, { to: { kind: "queue", name: "order-desk" }, removed: false });
  await assert.rejects(
    stage.until(admin.editFailure(failure!.ref, { dataJson: '{"orderId":"a","total":"5"}' })),
    { code: "BAD_PAYLOAD", message: /total/ },
  );
  assert.equal((await admin.listFailures()).length, 1);

  const done = await stage.until(admin.editFailure(failure!.ref, edit, { by: "ann" }));
  assert.equal(done.removed, true);
  await stage.settled();
  assert.deepEqual(seen, ["a:5"]);
  assert.deepEqual(await admin.listFailures(), []);
  const entry = stage.environment.entries.find(({ facts }) => facts["action"] === "edit");
  assert.deepEqual([entry?.facts["by"], entry?.facts["ref"]], ["ann", failure!.ref]);

  const { messages, cut } = await stage.until(admin.flow("first"));
  assert.equal(cut, undefined);
  const shape = messages.map(({ depth, envelope, places }) => [
    depth,
    envelope?.type,
    places.length,
  ]);
  assert.deepEqual(shape, [
    [0, undefined, 0],
    [1, undefined, 0],
    [2, "order.placed", 1],
  ]);
  assert.equal(messages[1]?.id, done.published?.id);
});

test("a corrected message of a stream comes after what waited behind the failure", async () => {
  const seen: string[] = [];
  await using stage = await openTestService({ service: shop(seen) });
  const admin = adminOf(stage);
  await stage.publish([-1, 2, 3].map((total) => OrderPlaced({ orderId: "a", total })));
  await stage.settled();
  assert.deepEqual(seen, []);
  const [failure] = await admin.listFailures({ part: "shop.notes" });
  const { envelope } = failure!;
  const edit = { dataJson: '{"orderId":"a","total":1}' };
  await stage.until(admin.editFailure(failure!.ref, edit));
  // The part looks once a second for rows that were marked while it parked others.
  await stage.until(delay(stage.environment.clock, 1_000));
  await stage.settled();
  assert.deepEqual(seen, ["a:2", "a:3", "a:1"]);
  const copies = [];
  for await (const record of admin.read("orders", { from: "-1", key: "a" })) copies.push(record);
  const copy = copies[0]?.envelope;
  assert.deepEqual(
    [copy?.corrects, copy?.causation, copy?.correlation, copy?.time, copy?.key],
    [envelope?.id, envelope?.id, envelope?.correlation ?? envelope?.id, envelope?.time, "a"],
  );
});

test("a paused part shows who paused it, how far it is behind, and can be moved meanwhile", async () => {
  const seen: string[] = [];
  await using stage = await openTestService({ service: shop(seen) });
  const admin = adminOf(stage);
  const paused = admin.pausePart("shop.notes", { by: "ann", why: "wrong prices" });
  assert.deepEqual(await stage.until(paused), { changed: true });
  await stage.publish([1, 2].map((total) => OrderPlaced({ orderId: "a", total })));
  await stage.settled();
  const behind = (await admin.lag()).filter(({ part, lag }) => part === "notes" && lag > 0);
  assert.deepEqual(
    behind.map(({ lag, paused: why }) => [lag, why]),
    [[2, "paused by ann: wrong prices"]],
  );
  const [pause] = await admin.listPauses();
  assert.deepEqual([pause?.part, pause?.by, pause?.why], ["shop.notes", "ann", "wrong prices"]);
  await stage.until(admin.seek({ group: "shop.notes", stream: "orders", to: "-1" }));
  assert.deepEqual(await stage.until(admin.resumePart("shop.notes", { dryRun: true })), {
    changed: true,
  });
  assert.deepEqual(await stage.until(admin.resumePart("shop.notes", { by: "bob" })), {
    changed: true,
  });
  await stage.settled();
  assert.deepEqual(seen, ["a:2"]);
  const entry = stage.environment.entries.find(({ facts }) => facts["action"] === "resume");
  assert.equal(entry?.facts["by"], "bob");
  await assert.rejects(stage.until(admin.pausePart("shop.note")), {
    code: "BAD_ARGUMENT",
    message: /there are shop\.desk, shop\.notes/,
  });
});

test("a flow begins with its first cause, shows parked messages, and says where it was cut", async () => {
  const seen: string[] = [];
  await using stage = await openTestService({ service: shop(seen) });
  const admin = adminOf(stage);
  await stage.publish(OrderPlaced({ orderId: "x", total: 1 }), { id: "other" });
  await stage.publish(OrderPlaced({ orderId: "a", total: -1 }), { id: "first" });
  await stage.settled();
  const { messages } = await stage.until(admin.flow("first"));
  const [only] = messages;
  assert.deepEqual(
    [messages.length, only?.depth, only?.dataJson],
    [1, 0, '{"orderId":"a","total":-1}'],
  );
  assert.deepEqual(only?.places.map(({ at }) => at).toSorted(), ["failure", "stream"]);

  const short = await stage.until(admin.flow("first", { since: "start", scanMax: 1 }));
  assert.match(short.cut ?? "", /orders was read for 1 messages and goes on/);
  await assert.rejects(stage.until(admin.flow("")), { code: "BAD_ARGUMENT" });
});

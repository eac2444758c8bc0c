/** What publishing, addressing and subscribing promise, seen from an app: in memory, on virtual time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  command,
  consumer,
  dependencyDown,
  event,
  openApp,
  queue,
  service,
  stream,
  view,
} from "millrace";
import { memoryBroker, memoryStore } from "millrace/memory";
import { createTestEnvironment, realIo } from "millrace/testing";
import { z } from "zod";
import type { BrokerFactory } from "../src/broker/broker.ts";
import type { RawMessage } from "../src/model/message.ts";
import { delay } from "../src/model/clock.ts";
import { MillraceError } from "../src/model/errors.ts";
import { interceptedBroker } from "./intercepted-calls.ts";

const orderId = z.object({ orderId: z.string() });
const key = (data: { readonly orderId: string }): string => data.orderId;
const OrderPlaced = event("order.placed", orderId.extend({ total: z.number() }), { key });
const OrderPaid = event("order.paid", orderId, { key });
const OrderShipped = event("order.shipped", orderId, { key });
const CancelOrder = command("order.cancel", orderId, { key });
const orders = stream("orders", { OrderPlaced, OrderPaid }, { partitions: 4 });
const shipments = stream("shipments", { OrderShipped }, { partitions: 1 });
const cancels = queue("cancels", { CancelOrder });

const placed = (count: number, from = 0) =>
  Array.from({ length: count }, (_, n) => OrderPlaced({ orderId: `o${n % 10}`, total: from + n }));

/** A broker whose streams do not take anything while it is down, and that counts what it is asked. */
function unreliable(inner: BrokerFactory) {
  const state = { down: false, calls: 0 };
  const factory = interceptedBroker(inner, {
    streams: (name, call) => {
      state.calls++;
      if (state.down && name === "append") {
        return Promise.reject(new MillraceError("UNREACHABLE", "the broker does not answer"));
      }
      return call();
    },
  });
  return { state, factory };
}

// proves: async-publish
test("a publish waits for no consumer, whether it is slow or stopped, and the consumer finds everything", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const seen: number[] = [];
  const slow = consumer("slow", { from: orders }).handle({
    OrderPlaced: async ({ total }, { signal }) => {
      await delay(clock, 10_000, signal);
      seen.push(total);
    },
  });
  const options = {
    services: [service("shop", { slow })],
    broker: memoryBroker(),
    store: memoryStore(),
    environment,
    stopMs: 0,
  };
  const app = await openApp(options);
  const publishAll = async (from: number): Promise<number> => {
    const before = clock.now();
    for (const draft of placed(50, from)) await clock.run(app.publish(draft));
    return clock.now() - before;
  };
  assert.equal(await publishAll(0), 0, "virtual time passed while a consumer was at work");
  assert.deepEqual(seen, []);
  await clock.run(app.services[0]!.stop({ deadlineMs: 0 }));
  assert.equal(await publishAll(50), 0, "virtual time passed while the consumer was stopped");
  await clock.run(app.close());
  assert.deepEqual(seen, []);

  await using again = await openApp(options);
  await clock.run(again.settled());
  assert.deepEqual(
    seen.toSorted((a, b) => a - b),
    Array.from({ length: 100 }, (_, n) => n),
  );
  await clock.run(again.close());
});

// proves: async-publish
test("with the broker gone a publish fails aloud, and what a consumer emits waits in the outbox", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const { state, factory } = unreliable(memoryBroker());
  const desk = consumer("desk", { from: cancels, publishes: shipments }).handle({
    CancelOrder: (order, { emit }) => emit(OrderShipped(order)),
  });
  const shipped = view("shipped", { from: shipments, initial: { times: 0 } }).evolve({
    OrderShipped: ({ times }) => ({ times: times + 1 }),
  });
  await using app = await openApp({
    services: [service("shop", { desk, shipped })],
    broker: factory,
    store: memoryStore(),
    environment,
  });
  state.down = true;
  await assert.rejects(clock.run(app.publish(OrderShipped({ orderId: "o1" }))), {
    code: "UNREACHABLE",
  });
  await clock.run(app.send(CancelOrder({ orderId: "o2" })));
  await clock.advance(60_000);
  assert.equal((await app.services[0]!.store.pendingLanes()).length, 1);
  assert.equal(await app.get(shipped, "o2"), undefined);
  state.down = false;
  await clock.run(app.settled());
  assert.deepEqual(await app.get(shipped, "o2"), { times: 1 });
  assert.equal(await app.get(shipped, "o1"), undefined);
  await clock.run(app.close());
});

// proves: push-delivery
test("an event reaches its handler without any timer, and a query asks no broker", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const { state, factory } = unreliable(memoryBroker());
  const seen: number[] = [];
  const watch = consumer("watch", { from: orders }).handle({
    OrderPlaced: ({ total }) => void seen.push(total),
  });
  const totals = view("totals", { from: orders, initial: { total: 0 }, index: ["total"] }).evolve({
    OrderPlaced: (sum, { total }) => ({ total: sum.total + total }),
  });
  await using app = await openApp({
    services: [service("shop", { watch, totals })],
    broker: factory,
    store: memoryStore(),
    environment,
  });
  const before = clock.now();
  for (const draft of placed(20)) {
    await clock.run(app.publish(draft));
    await clock.settle();
    assert.equal(seen.at(-1), draft.data.total);
  }
  assert.equal(clock.now(), before, "a timer had to bring it");
  await clock.run(app.settled());
  const { calls } = state;
  assert.deepEqual(await app.get(totals, "o1"), { total: 12 });
  const { documents } = await app.find(totals, { where: { total: { gte: 20 } } });
  assert.equal(documents.length, 5);
  assert.equal(state.calls, calls, "the broker was asked");
  await clock.run(app.close());
});

// proves: type-and-key
test("messages are routed by their type with the payload unread, and placed by a key of its own", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const broker = memoryBroker();
  const seen: string[] = [];
  const part = consumer("part", { from: orders }).handle({
    OrderPlaced: ({ orderId: id }) => void seen.push(id),
  });
  const options = { broker, store: memoryStore(), environment };
  await using app = await openApp({ services: [service("shop", { part })], ...options });
  await clock.run(app.publish(placed(10)));
  await clock.run(app.publish(OrderPaid({ orderId: "o3" })));

  const { streams } = await broker.open(environment);
  const unreadable = (type: string): RawMessage => ({
    key: "o3",
    headers: [
      ["ce_specversion", "1.0"],
      ["ce_id", `unreadable ${type}`],
      ["ce_type", type],
      ["ce_source", "elsewhere"],
    ],
    value: Uint8Array.of(0xff, 0x00),
  });
  await streams!.append("orders", [unreadable("order.paid"), unreadable("order.placed")]);
  await clock.run(app.settled());
  assert.equal(seen.length, 10);
  const [status] = await app.services[0]!.status();
  assert.deepEqual(status!.ignored, { "order.paid": 2 });
  const parked = await app.services[0]!.listParked("part");
  assert.deepEqual(
    parked.map(({ incoming, cause }) => [incoming.id, cause?.code]),
    [["unreadable order.placed", "BAD_JSON"]],
  );

  const partitionOf = new Map<unknown, Set<number>>();
  const typesOf = new Map<unknown, Set<unknown>>();
  for (let partition = 0; partition < 4; partition++) {
    for await (const batch of streams!.read("orders", { partition, from: "earliest" })) {
      for (const record of batch) {
        const type = Object.fromEntries(record.headers)["ce_type"];
        partitionOf.set(record.key, (partitionOf.get(record.key) ?? new Set()).add(partition));
        typesOf.set(record.key, (typesOf.get(record.key) ?? new Set()).add(type));
      }
    }
  }
  assert.deepEqual(
    [...partitionOf.values()].map(({ size }) => size),
    Array.from({ length: 10 }, () => 1),
  );
  assert.equal(new Set([...partitionOf.values()].flatMap((set) => [...set])).size, 4);
  assert.deepEqual(typesOf.get("o3"), new Set(["order.placed", "order.paid"]));
  await clock.run(app.close());
});

// proves: addressing
test("an event reaches all who subscribed to its stream and type, a command the one address it is sent to", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const seen: string[] = [];
  const note = (who: string) => (): void => void seen.push(who);
  const ReturnOrder = command("order.return", orderId, { key: (c) => c.orderId });
  const returns = queue("returns", { ReturnOrder });
  const billing = service("billing", {
    placements: consumer("placements", { from: orders }).handle({ OrderPlaced: note("billing") }),
    payments: consumer("payments", { from: orders }).handle({ OrderPaid: note("payments") }),
    elsewhere: consumer("elsewhere", { from: shipments }).handle({ OrderShipped: note("other") }),
    usual: consumer("usual", { from: cancels }).handle({ CancelOrder: note("cancel desk") }),
  });
  const shipping = service("shipping", {
    placements: consumer("shipping-placements", { from: orders }).handle({
      OrderPlaced: note("shipping"),
    }),
    back: consumer("back", { from: returns }).handle({ ReturnOrder: note("return desk") }),
  });
  await using app = await openApp({
    services: [billing, shipping],
    broker: memoryBroker(),
    store: memoryStore(),
    environment,
  });
  const heard = async (work: Promise<unknown>): Promise<string[]> => {
    await clock.run(work);
    await clock.run(app.settled());
    return seen.splice(0).toSorted((a, b) => a.localeCompare(b));
  };
  assert.deepEqual(await heard(app.publish(placed(1)[0]!)), ["billing", "shipping"]);
  assert.deepEqual(await heard(app.publish(OrderPaid({ orderId: "o1" }))), ["payments"]);
  assert.deepEqual(await heard(app.send(CancelOrder({ orderId: "o1" }))), ["cancel desk"]);
  assert.deepEqual(await heard(app.ask(ReturnOrder({ orderId: "o1" }))), ["return desk"]);
  await clock.run(app.close());
});

// proves: event-notification
test("a thin notification succeeds with nobody listening, and who comes later asks for the details until it has them", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const options = { broker: memoryBroker(), store: memoryStore(), environment };
  const desk = consumer("desk", { from: cancels, publishes: shipments }).handle({
    CancelOrder: () => undefined,
  });
  const producer = service("warehouse", { desk });
  {
    await using app = await openApp({ services: [producer], ...options });
    await clock.run(app.publish(OrderShipped({ orderId: "o1" })));
    await clock.run(app.close());
  }
  const answers = [new TypeError("no such shelf"), dependencyDown("503"), dependencyDown("503")];
  const asked: string[] = [];
  const known: unknown[] = [];
  const detailsOf = async (id: string): Promise<object> => {
    asked.push(id);
    const trouble = answers.shift();
    if (trouble !== undefined) throw trouble;
    return { orderId: id, parcels: 2 };
  };
  const letters = consumer("letters", { from: shipments }).handle({
    OrderShipped: async ({ orderId: id }) => void known.push(await detailsOf(id)),
  });
  await using app = await openApp({ services: [service("mail", { letters })], ...options });
  await clock.run(app.settled());
  assert.deepEqual(asked, ["o1", "o1", "o1", "o1"]);
  assert.deepEqual(known, [{ orderId: "o1", parcels: 2 }]);
  assert.deepEqual(await app.services[0]!.listParked("letters"), []);
  await clock.run(app.close());
});

/** What a caller can do to it, by name. */
const methodsOf = (port: object): readonly string[] =>
  Object.getOwnPropertyNames(Object.getPrototypeOf(port))
    .filter((name) => name !== "constructor" && typeof Reflect.get(port, name) === "function")
    .toSorted((a, b) => a.localeCompare(b));

// proves: immutable-events
test("no interface changes or removes an event, neither the port's nor the app's nor the door's", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const broker = memoryBroker();
  const seen = consumer("seen", { from: orders }).handle({});
  await using app = await openApp({
    services: [service("shop", { seen })],
    broker,
    store: memoryStore(),
    environment,
    http: { port: 0, token: "the-token-of-this-test" },
  });
  const { streams } = await broker.open(environment);
  // A stream goes as a whole, and a group's position is not an event. What else comes here must not
  // touch what was appended.
  assert.deepEqual(methodsOf(streams!), [
    "append",
    "close",
    "deleteStream",
    "describeGroup",
    "describeStream",
    "ensureStream",
    "joinGroup",
    "listGroups",
    "listStreams",
    "offsetAt",
    "partitionOf",
    "read",
    "seekGroup",
  ]);
  assert.deepEqual(methodsOf(app), ["ask", "close", "find", "get", "publish", "send", "settled"]);

  const { id, offset, partition } = await clock.run(app.publish(placed(1)[0]!));
  const headers = {
    authorization: "Bearer the-token-of-this-test",
    "content-type": "application/json",
  };
  const paths = ["", "/records", `/records/${partition}/${offset}`, `/records/${id}`];
  for (const path of paths) {
    for (const method of ["PUT", "PATCH", "DELETE"]) {
      const url = `${app.door!.url}/streams/orders${path}`;
      const { status } = await fetch(url, { method, headers, body: "{}" });
      assert.ok(status === 404 || status === 405, `${method} ${path} answers ${status}`);
    }
  }
  const again = await clock.run(app.publish(OrderPlaced({ orderId: "o0", total: 99 }), { id }));
  assert.deepEqual([again.duplicate, again.offset], [true, offset]);
  const records: unknown[] = [];
  for await (const { dataJson } of app.admin.read("orders", { from: "start" })) {
    records.push(dataJson);
  }
  assert.deepEqual(records, ['{"orderId":"o0","total":0}']);
  await clock.run(app.close(), { io: realIo });
});

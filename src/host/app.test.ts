import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import * as z from "zod";
import type { BrokerFactory } from "../broker/broker.ts";
import { openAdminClient } from "../http/client.ts";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { delay } from "../model/clock.ts";
import type { Environment } from "../model/environment.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { service } from "../service/service.ts";
import { view } from "../sourcing/view.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { realIo } from "../testing/real-io.ts";
import { openApp } from "./app.ts";
import { readDoorFile } from "./door-file.ts";

const orderId = z.object({ orderId: z.string() });
const OrderPlaced = event("order.placed", orderId.extend({ total: z.number() }), {
  key: (e) => e.orderId,
});
const CancelOrder = command("order.cancel", orderId, { key: (c) => c.orderId });
const OrderCancelled = event("order.cancelled", orderId, { key: (e) => e.orderId });
const orders = stream("orders", { OrderPlaced }, { partitions: 2 });
const cancels = queue("cancels", { CancelOrder });
const cancelled = stream("cancelled", { OrderCancelled }, { partitions: 1 });

const byOrder = view("by-order", {
  from: orders,
  initial: { total: 0 },
  index: ["total"],
}).evolve({ OrderPlaced: (s, e) => ({ total: s.total + e.total }) });
const desk = consumer("desk", { from: cancels, publishes: cancelled }).handle({
  CancelOrder: (c, { emit }) => emit(OrderCancelled(c)),
});
const count = view("count", { from: cancelled, initial: { times: 0 }, id: "all" }).evolve({
  OrderCancelled: (s) => ({ times: s.times + 1 }),
});
const shop = service("shop", { byOrder, desk });
const audit = service("audit", { count });

const parts = (): { broker: BrokerFactory; store: ReturnType<typeof memoryStore> } => ({
  broker: memoryBroker(),
  store: memoryStore(),
});

test("what is published and sent is seen in the views of all services", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  await using app = await openApp({ services: [shop, audit], ...parts(), environment });
  await clock.run(app.publish(OrderPlaced({ orderId: "a", total: 5 }), { id: "1" }));
  const again = await clock.run(app.publish(OrderPlaced({ orderId: "a", total: 5 }), { id: "1" }));
  assert.equal(again.duplicate, true);
  await clock.run(app.send(CancelOrder({ orderId: "a" })));
  await clock.run(app.settled());
  assert.deepEqual(await app.get(byOrder, "a"), { total: 5 });
  assert.equal(await app.get(byOrder, "b"), undefined);
  const { documents } = await app.find(byOrder, { where: { total: { gte: 5 } } });
  const totals: number[] = documents.map(({ data }) => data.total);
  assert.deepEqual(totals, [5]);
  assert.deepEqual(await app.get(count, "all"), { times: 1 });
  await clock.run(app.close());
});

test("an app is not settled while one service still takes up what another has published", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const slowly: BrokerFactory = {
    adapter: "slow",
    async open(given) {
      const broker = await memoryBroker().open(given);
      const streams = broker.streams!;
      const append = streams.append.bind(streams);
      streams.append = async (...sent) => {
        await delay(clock, 50);
        return append(...sent);
      };
      return broker;
    },
  };
  let taken = 0;
  const audited = consumer("audited", { from: cancelled }).handle({
    OrderCancelled: async () => {
      await delay(clock, 50);
      taken++;
    },
  });
  const services = [service("audit", { audited }), shop];
  await using app = await clock.run(
    openApp({ services, broker: slowly, store: memoryStore(), environment }),
  );
  await clock.run(app.send(CancelOrder({ orderId: "a" })));
  const handled = async (): Promise<number> => {
    const statuses = await app.services[1]!.status();
    return statuses.reduce((sum, status) => sum + status.handled, 0);
  };
  while ((await handled()) === 0) await clock.advance(1);
  await clock.run(app.settled());
  const takenAtRest = taken;
  await clock.run(app.close());
  assert.equal(takenAtRest, 1);
});

test("of many drafts each succeeds or fails by itself", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  await using app = await openApp({ services: [shop], ...parts(), environment });
  const wrong: any = { orderId: "a", total: "many" };
  const outcomes = await clock.run(
    app.publish([OrderPlaced({ orderId: "a", total: 1 }), { type: "order.placed", data: wrong }]),
  );
  const codes = outcomes.map((outcome) => (outcome.ok ? "ok" : outcome.error.code));
  assert.deepEqual(codes, ["ok", "BAD_PAYLOAD"]);
  await assert.rejects(clock.run(app.publish({ type: "order.placed", data: wrong })), {
    code: "BAD_PAYLOAD",
    message: /total/,
  });
  await clock.run(app.close());
});

// proves: message-kinds, addressing
test("a command is not published and an event is not sent, by type and at run time", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  await using app = await openApp({ services: [shop], ...parts(), environment });
  // @ts-expect-error a command has one address
  const published = app.publish(CancelOrder({ orderId: "a" }));
  await assert.rejects(clock.run(published), /is a command.*send/);
  // @ts-expect-error an event has no addressee
  const sent = app.send(OrderPlaced({ orderId: "a", total: 1 }));
  await assert.rejects(clock.run(sent), /is an event.*publish/);
  await clock.run(app.close());
});

test("what is wrong with the options is refused before anything is opened", async () => {
  const untouched: BrokerFactory = {
    adapter: "untouched",
    open: () => assert.fail("it was opened"),
  };
  const store = memoryStore();
  const wrong: any = { services: [shop], broker: untouched, store, brokre: 1 };
  await assert.rejects(openApp(wrong), /brokre is not a known key; did you mean broker\?/);
  await assert.rejects(openApp({ services: [shop], store }), /broker is missing/);
  await assert.rejects(openApp({ services: [shop, shop], broker: untouched, store }), {
    code: "BAD_DECLARATION",
  });
  await assert.rejects(openApp({ services: [shop], broker: untouched, store, stopMs: -1 }), {
    code: "BAD_CONFIG",
  });
  const effects: any = { shpo: "shadow" };
  await assert.rejects(
    openApp({ services: [shop], broker: untouched, store, effects }),
    /effects\.shpo names no service; there are shop/,
  );
  const dark: any = "dark";
  await assert.rejects(
    openApp({ services: [shop], broker: untouched, store, effects: dark }),
    /effects must be one of live, shadow/,
  );
});

test("a start that fails closes what it had opened", async () => {
  const environment = createTestEnvironment();
  const closed: string[] = [];
  const watched = (inner: BrokerFactory): BrokerFactory => ({
    adapter: inner.adapter,
    async open(given: Environment) {
      const broker = await inner.open(given);
      const close = async (): Promise<void> => {
        closed.push("broker");
        await broker.close();
      };
      return { ...broker, close, [Symbol.asyncDispose]: close };
    },
  });
  const store = memoryStore();
  const failing = {
    adapter: "failing",
    open: (options: Parameters<typeof store.open>[0]) =>
      options.service === "audit" ? Promise.reject(new Error("no disk")) : store.open(options),
  };
  const options = { services: [shop, audit], broker: watched(memoryBroker()), environment };
  await assert.rejects(openApp({ ...options, store: failing }), /no disk/);
  assert.deepEqual(closed, ["broker"]);
  // The store of the first service was closed too, or it could not be opened again.
  const reopened = await store.open({ service: "shop", environment });
  await reopened.close();
});

test("streams may come from one broker and queues from another", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const streams = memoryBroker();
  const queues = memoryBroker();
  const store = memoryStore();
  await using app = await openApp({ services: [shop], streams, queues, store, environment });
  await clock.run(app.send(CancelOrder({ orderId: "a" })));
  await clock.run(app.settled());
  const queueBroker = await queues.open(environment);
  const streamBroker = await streams.open(environment);
  assert.equal((await queueBroker.streams!.listStreams()).length, 0);
  assert.equal((await streamBroker.queues!.listQueues()).length, 0);
  assert.equal((await streamBroker.streams!.describeStream("cancelled")).partitions[0]?.end, 1);
  await clock.run(app.close());
});

test("what comes from outside may enter a stream or queue without a window of ids", async () => {
  const environment = createTestEnvironment();
  const to = [
    stream("entered", { OrderPlaced }, { dedupe: false }),
    queue("asked", { CancelOrder }, { dedupe: false }),
  ];
  const source = { name: "outside", to, run: () => Promise.resolve() };
  await using app = await openApp({ services: [], sources: [source], ...parts(), environment });
  const [entered] = await app.admin.listStreams();
  assert.deepEqual([entered?.spec.name, entered?.spec.dedupe], ["entered", undefined]);
});

test("the door's address stands in the broker's directory as long as the app is open", async () => {
  const environment = createTestEnvironment();
  const directory = await mkdtemp(join(tmpdir(), "millrace-app-"));
  try {
    const broker = { ...memoryBroker(), directory };
    const app = await openApp({
      services: [shop],
      broker,
      store: memoryStore(),
      http: { port: 0 },
      environment,
    });
    const door = await readDoorFile(directory);
    assert.equal(door?.url, app.door?.url);
    assert.ok(door);
    await using admin = await openAdminClient({ url: door.url, token: door.token });
    assert.deepEqual(
      (await admin.describe()).services.map(({ name }) => name),
      ["shop"],
    );
    await environment.clock.run(app.close(), { io: realIo });
    assert.equal(await readDoorFile(directory), undefined);
  } finally {
    await rm(directory, { recursive: true });
  }
});

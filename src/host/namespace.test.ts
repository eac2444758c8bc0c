import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { memoryBroker } from "../memory/broker.ts";
import { memoryStore } from "../memory/store.ts";
import { isMillraceError } from "../model/errors.ts";
import { queue, stream } from "../schema/channel.ts";
import { command, event } from "../schema/message-type.ts";
import { consumer } from "../service/consumer/consumer.ts";
import { service } from "../service/service.ts";
import { view } from "../sourcing/view.ts";
import { createTestEnvironment } from "../testing/environment.ts";
import { openApp } from "./app.ts";

const orderId = z.object({ orderId: z.string() });
const PlaceOrder = command("order.place", orderId, { key: (c) => c.orderId });
const OrderPlaced = event("order.placed", orderId, { key: (e) => e.orderId });
const desk = queue("desk", { PlaceOrder });
const orders = stream("orders", { OrderPlaced }, { partitions: 2 });

const placed = view("placed", { from: orders, initial: { times: 0 }, id: "all" }).evolve({
  OrderPlaced: ({ times }) => ({ times: times + 1 }),
});
const shop = service("shop", {
  clerk: consumer("clerk", { from: desk, publishes: orders }).handle({
    PlaceOrder: (c, { emit }) => emit(OrderPlaced(c)),
  }),
  placed,
});

// proves: namespaces
test("one program twice on one broker, in two namespaces, is two programs", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const broker = memoryBroker();
  const options = { services: [shop], broker, environment };
  await using a = await openApp({ ...options, store: memoryStore(), namespace: "tenant-a" });
  await using b = await openApp({ ...options, store: memoryStore(), namespace: "tenant-b" });
  for (const id of ["1", "2", "3"]) await clock.run(a.send(PlaceOrder({ orderId: id })));
  await clock.run(b.send(PlaceOrder({ orderId: "1" })));
  await clock.run(a.settled());
  await clock.run(b.settled());
  assert.deepEqual(await a.get(placed, "all"), { times: 3 });
  assert.deepEqual(await b.get(placed, "all"), { times: 1 });
  const whole = await broker.open(environment);
  const names = (await whole.streams!.listStreams()).map(({ spec }) => spec.name);
  const own = (name: string) =>
    ["millrace.contracts", "orders"].map((each) => `ns.${name}.${each}`);
  assert.deepEqual(names.toSorted(), [...own("tenant-a"), ...own("tenant-b")]);
});

test("a name that no namespace can have is refused before anything is opened", async () => {
  const options = { services: [shop], broker: memoryBroker(), store: memoryStore() };
  await assert.rejects(openApp({ ...options, namespace: "a.b" }), (error) =>
    isMillraceError(error, "BAD_CONFIG"),
  );
});

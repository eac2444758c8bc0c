/** What services promise each other: who knows whom, who joins later, and what each declares. */

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";
import { command, consumer, event, openApp, queue, service, stream, view } from "millrace";
import type { Service } from "millrace";
import { memoryBroker, memoryStore } from "millrace/memory";
import { createTestEnvironment } from "millrace/testing";
import { z } from "zod";

const orderId = z.object({ orderId: z.string() });
const key = (data: { readonly orderId: string }): string => data.orderId;
const OrderPlaced = event("order.placed", orderId.extend({ n: z.number() }), { key });
const OrderShipped = event("order.shipped", orderId, { key });
const ShipOrder = command("order.ship", orderId, { key });
const orders = stream("orders", { OrderPlaced }, { partitions: 2 });
const shipments = stream("shipments", { OrderShipped }, { partitions: 1 });
const shipping = queue("shipping", { ShipOrder });

const counter = (name: string) =>
  view(name, { from: orders, initial: { ns: [] as number[] } }).evolve({
    OrderPlaced: ({ ns }, { n }) => ({ ns: [...ns, n] }),
  });
const shopCounts = counter("shop-counts");
const desk = consumer("desk", { from: shipping, publishes: [orders, shipments] }).handle({
  ShipOrder: (order, { emit }) => emit(OrderShipped(order)),
});
const shop = service("shop", { shopCounts, desk });

/** Everything that a file of the examples imports of the examples, itself included. */
function reach(path: string, found: Set<string> = new Set()): ReadonlySet<string> {
  if (found.has(path)) return found;
  found.add(path);
  for (const [, from = ""] of readFileSync(path, "utf8").matchAll(/from "(\.[^"]+)"/g)) {
    reach(normalize(join(dirname(path), from)), found);
  }
  return found;
}

// proves: producer-independence
test("no file that makes events or declares their contract reaches a file that consumes them", () => {
  const files = globSync("examples/*/*.ts").map(normalize);
  const having = (text: RegExp): string[] =>
    files.filter((path) => text.test(readFileSync(path, "utf8")));
  // A host names the services that it runs, so it is no producer although it may publish.
  const hosts = new Set(having(/\bopenApp\(|\.test\b|from "node:test"/));
  const consuming = new Set(having(/= (consumer|view)\(/));
  const producing = having(/= event\(|\bInputOf<|\bDraftOf</).filter((path) => !hosts.has(path));
  assert.ok(producing.length >= 3 && consuming.size >= 2, producing.join());
  for (const path of producing) {
    const reached = [...reach(path)].filter((each) => consuming.has(each));
    assert.deepEqual(reached, [], `${path} knows its consumers`);
  }
  for (const path of consuming) assert.ok(reach(path).size > 1, `${path} imports a contract`);
});

// proves: producer-independence
test("what a producer writes is the same, byte for byte, whoever consumes it", async () => {
  const listener = (name: string): Service => service(name, { all: counter(`${name}-counts`) });
  const logs: string[] = [];
  for (const services of [[], [listener("one")], [listener("one"), listener("two")]]) {
    const environment = createTestEnvironment();
    const { clock } = environment;
    const broker = memoryBroker();
    const options = { broker, store: memoryStore(), environment };
    await using app = await openApp({ services: [shop, ...services], ...options });
    for (let n = 0; n < 20; n++) {
      // The id and the time are the producer's own: what else takes ids must not show.
      const stamp = { id: `e-${n}`, time: 1_000 + n };
      await clock.run(app.publish(OrderPlaced({ orderId: `o${n % 3}`, n }), stamp));
    }
    await clock.run(app.settled());
    const { streams } = await broker.open(environment);
    const records: unknown[] = [];
    for (const partition of [0, 1]) {
      for await (const batch of streams!.read("orders", { partition, from: "earliest" })) {
        records.push(
          ...batch.map(({ offset, headers, value }) => [partition, offset, headers, value]),
        );
      }
    }
    assert.equal(records.length, 20);
    logs.push(JSON.stringify(records));
    await clock.run(app.close());
  }
  assert.equal(new Set(logs).size, 1, "the logs differ");
});

// proves: new-consumer-catch-up
test("a new consumer reads all history, then goes live, and nobody else notices", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const options = { broker: memoryBroker(), store: memoryStore(), environment };
  const publish = async (app: Awaited<ReturnType<typeof openApp>>, from: number): Promise<void> => {
    const ns = Array.from({ length: 100 }, (_, n) => from + n);
    await clock.run(app.publish(ns.map((n) => OrderPlaced({ orderId: "o1", n }))));
    await clock.run(app.settled());
  };
  {
    await using app = await openApp({ services: [shop], ...options });
    await publish(app, 0);
    await clock.run(app.close());
  }
  const seen: number[] = [];
  const late = consumer("late", { from: orders }).handle({
    OrderPlaced: ({ n }) => void seen.push(n),
  });
  const lateCounts = counter("late-counts");
  await using app = await openApp({
    services: [shop, service("mail", { late, lateCounts })],
    ...options,
  });
  await clock.run(app.settled());
  assert.deepEqual(
    seen,
    Array.from({ length: 100 }, (_, n) => n),
  );
  const statusOf = async (name: string) =>
    (await Promise.all(app.services.map((each) => each.status())))
      .flat()
      .find((status) => status.name === name)!;
  assert.equal((await statusOf("shop-counts")).handled, 0, "the catching up moved another");
  await publish(app, 100);
  assert.equal(seen.length, 200);
  assert.equal((await statusOf("shop-counts")).handled, 100);
  assert.equal((await statusOf("late")).handled, 200);
  assert.equal((await app.get(lateCounts, "o1"))!.ns.length, 200);
  assert.deepEqual(await app.get(lateCounts, "o1"), await app.get(shopCounts, "o1"));
  await clock.run(app.close());
});

// proves: loose-coupling
test("a service's manifest lists what it takes and gives, and what it does not declare fails", async () => {
  const environment = createTestEnvironment();
  const { clock } = environment;
  const rogue = consumer("rogue", { from: orders, policy: { attempts: 1 } }).handle({
    OrderPlaced: (order, { emit }) => {
      // @ts-expect-error the stream that carries it is not declared
      emit(OrderShipped(order));
    },
  });
  await using app = await openApp({
    services: [shop, service("rogues", { rogue })],
    broker: memoryBroker(),
    store: memoryStore(),
    environment,
  });
  const { services } = await app.admin.describe();
  assert.deepEqual(
    services.map(({ name, parts }) => [
      name,
      parts.map(({ name: part, from, publishes, sends }) => ({ part, from, publishes, sends })),
    ]),
    [
      [
        "rogues",
        [
          {
            part: "rogue",
            from: [{ kind: "stream", name: "orders", types: ["order.placed"] }],
            publishes: [],
            sends: [],
          },
        ],
      ],
      [
        "shop",
        [
          {
            part: "shop-counts",
            from: [{ kind: "stream", name: "orders", types: ["order.placed"] }],
            publishes: [],
            sends: [],
          },
          {
            part: "desk",
            from: [{ kind: "queue", name: "shipping", types: ["order.ship"] }],
            publishes: ["orders", "shipments"],
            sends: [],
          },
        ],
      ],
    ],
  );
  await clock.run(app.publish(OrderPlaced({ orderId: "o1", n: 1 })));
  await clock.run(app.settled());
  const [parked] = await app.services[1]!.listParked("rogue");
  assert.equal(parked?.cause?.code, "UNKNOWN_TYPE");
  assert.match(parked.cause.message, /name it in publishes or sends/);
  assert.equal((await app.admin.describeStream("shipments")).partitions[0]!.end, 0);
  const Stranger = event("order.forgotten", orderId, { key });
  await assert.rejects(clock.run(app.publish(Stranger({ orderId: "o1" }))), {
    code: "UNKNOWN_TYPE",
  });
  const undeclared: any = { OrderShipped: () => undefined };
  assert.throws(() => consumer("c", { from: orders }).handle(undeclared), {
    code: "BAD_DECLARATION",
  });
  await clock.run(app.close());
});

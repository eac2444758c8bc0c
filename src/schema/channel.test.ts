import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { queue, stream } from "./channel.ts";
import { command, event } from "./message-type.ts";

const orderId = z.object({ orderId: z.string() });
const OrderPlaced = event("order.placed", orderId, { key: (e) => e.orderId });
const PlaceOrder = command("order.place", orderId, { key: (c) => c.orderId });

/** Passes what the types refuse, as JavaScript would. */
const untyped = (value: unknown): any => value;

test("a stream declared as in the guide has its settings in base units", () => {
  const orders = stream("orders", { OrderPlaced }, { keep: "90d", partitions: 6 });
  assert.equal(orders.name, "orders");
  assert.equal(orders.types.OrderPlaced, OrderPlaced);
  assert.equal(orders.partitions, 6);
  assert.deepEqual(orders.retention, { ageMs: 90 * 24 * 3600 * 1000 });
  assert.deepEqual(orders.durability, { mode: "fsync" });
});

test("retention by age, bytes and count may be combined", () => {
  const orders = stream(
    "orders",
    { OrderPlaced },
    { keep: { age: "2w", bytes: "64MB", count: 5 } },
  );
  assert.deepEqual(orders.retention, { ageMs: 1_209_600_000, bytes: 64_000_000, count: 5 });
});

test("a queue has defaults for everything it is not told", () => {
  const { types: _types, ...settings } = queue("order-desk", { PlaceOrder });
  assert.deepEqual(settings, {
    kind: "queue",
    name: "order-desk",
    attempts: 5,
    leaseMs: 30_000,
    depthMax: 1_000_000,
    keyOrder: false,
    durability: { mode: "fsync" },
    dedupe: { count: 100_000, ms: 600_000 },
  });
});

test("durability and the window of ids are told in words", () => {
  const desk = queue(
    "desk",
    { PlaceOrder },
    { durability: { interval: "50ms" }, dedupe: false, lease: "1.5m" },
  );
  assert.deepEqual(desk.durability, { mode: "interval", intervalMs: 50 });
  assert.deepEqual(desk.dedupe, { count: 0, ms: 0 });
  assert.equal(desk.leaseMs, 90_000);
  const orders = stream(
    "orders",
    { OrderPlaced },
    { durability: "memory", dedupe: { count: 9, age: "1h" } },
  );
  assert.deepEqual(orders.durability, { mode: "memory" });
  assert.deepEqual(orders.dedupe, { count: 9, ms: 3_600_000 });
});

test("a refused stream or queue names itself, what is wrong and what to write", () => {
  const Twin = event("order.placed", orderId);
  const cases: readonly (readonly [() => unknown, RegExp])[] = [
    [() => stream("", { OrderPlaced }), /a stream has no name; give it as first argument/],
    [() => stream("a b", { OrderPlaced }), /the stream name "a b" must start with/],
    [() => stream("../x", { OrderPlaced }), /the stream name "..\/x" must start with/],
    [() => stream("x".repeat(250), { OrderPlaced }), /has 250 characters; at most 249/],
    [() => stream("orders", {}), /stream "orders" carries no event; name at least one/],
    [
      () => stream("orders", { OrderPlaced, Twin }),
      /the type "order.placed" twice, as OrderPlaced and Twin/,
    ],
    [
      () => stream("orders", untyped({ PlaceOrder })),
      /takes events, and PlaceOrder is a command; commands go to a queue/,
    ],
    [
      () => queue("desk", untyped({ OrderPlaced })),
      /takes commands, and OrderPlaced is an? event; events go to a stream/,
    ],
    [() => stream("orders", untyped({ OrderPlaced: undefined })), /OrderPlaced is undefined/],
    [
      () => stream("orders", { OrderPlaced }, { partitions: 0 }),
      /partitions of stream "orders" is 0; write a whole number from 1 to 1024/,
    ],
    [() => stream("orders", { OrderPlaced }, { partitions: 1025 }), /from 1 to 1024/],
    [() => stream("orders", { OrderPlaced }, { partitions: 1.5 }), /is 1.5/],
    [
      () => stream("orders", { OrderPlaced }, untyped({ partition: 2 })),
      /unknown option "partition"; the options are keep, partitions/,
    ],
    [
      () => stream("orders", { OrderPlaced }, { keep: untyped("90") }),
      /keep of stream "orders" is "90"; write a duration such as/,
    ],
    [
      () => stream("orders", { OrderPlaced }, { keep: { bytes: untyped("9XB") } }),
      /keep.bytes of stream "orders" is "9XB"; write a size/,
    ],
    [
      () => stream("orders", { OrderPlaced }, { keep: { count: 0 } }),
      /keep.count of stream "orders" is 0/,
    ],
    [
      () => stream("orders", { OrderPlaced }, { durability: untyped("sync") }),
      /durability of stream "orders" is "sync"; write "fsync"/,
    ],
    [
      () => stream("orders", { OrderPlaced }, { dedupe: { count: 0, age: "1m" } }),
      /dedupe.count of stream "orders" is 0/,
    ],
    [() => queue("desk", { PlaceOrder }, { attempts: 0 }), /attempts of queue "desk" is 0/],
    [() => queue("desk", { PlaceOrder }, { depth: -1 }), /depth of queue "desk" is -1/],
    [() => queue("desk", { PlaceOrder }, { lease: "0s" }), /lease of queue "desk" is "0s"/],
  ];
  for (const [declare, expected] of cases) {
    assert.throws(declare, { code: "BAD_DECLARATION", message: expected });
  }
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { queue, stream } from "./channel.ts";
import { command, event } from "./message-type.ts";
import { createRegistry } from "./registry.ts";

const schema = z.object({ id: z.string() });
const OrderPlaced = event("order.placed", schema);
const OrderPaid = event("order.paid", schema);
const PlaceOrder = command("order.place", schema);
const orders = stream("orders", { OrderPlaced, OrderPaid });
const archive = stream("archive", { OrderPaid });
const desk = queue("desk", { PlaceOrder });

test("a type is found with every channel that carries it", () => {
  const registry = createRegistry([orders, desk, archive, orders]);
  assert.deepEqual(registry.channels, [orders, desk, archive]);
  assert.deepEqual(registry.find("order.paid"), {
    declaration: OrderPaid,
    channels: [orders, archive],
  });
  assert.deepEqual(registry.get("order.place"), { declaration: PlaceOrder, channels: [desk] });
  assert.deepEqual(
    registry.types().map(({ declaration }) => declaration.type),
    ["order.placed", "order.paid", "order.place"],
  );
  assert.equal(registry.find("toString"), undefined);
});

test("an unknown type is refused with those that resemble it", () => {
  const registry = createRegistry([orders, desk]);
  assert.throws(() => registry.get("Order.Placed"), {
    code: "UNKNOWN_TYPE",
    message:
      'no declared stream or queue carries the type "Order.Placed"; declared are order.placed, order.place',
  });
  assert.throws(() => registry.get("x"), {
    code: "UNKNOWN_TYPE",
    message: /order.placed, order.paid, order.place$/,
  });
  assert.throws(() => createRegistry([]).get("x"), {
    code: "UNKNOWN_TYPE",
    message: /none is declared/,
  });
});

test("two declarations of one type or one channel are refused, naming both", () => {
  const twin = stream("twins", { OrderPlaced: event("order.placed", schema) });
  assert.throws(() => createRegistry([orders, twin]), {
    code: "BAD_DECLARATION",
    message:
      'the type "order.placed" is declared twice, in stream "orders" and stream "twins"; declare it once and import it, or rename one',
  });
  assert.throws(() => createRegistry([orders, stream("orders", { OrderPlaced })]), {
    code: "BAD_DECLARATION",
    message: /stream "orders" is declared twice; declare it once and import it/,
  });
});

test("an event and a command cannot share a type", () => {
  assert.throws(
    () => createRegistry([orders, queue("q", { Odd: command("order.paid", schema) })]),
    {
      code: "BAD_DECLARATION",
      message: /the type "order.paid" is declared twice, in stream "orders" and queue "q"/,
    },
  );
});

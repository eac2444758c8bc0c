import assert from "node:assert/strict";
import { test } from "node:test";
import * as z from "zod";
import { isMillraceError } from "../model/errors.ts";
import { queue, stream } from "./channel.ts";
import { event } from "./message-type.ts";
import { matchesAttributes, typesNamed } from "./routing.ts";
import { subscription, type SubscriptionOptions } from "./subscription.ts";

const order = z.object({ orderId: z.string(), total: z.number() });
const OrderPlaced = event("order.placed", order, { key: (e) => e.orderId });
const OrderPaid = event("order.paid", order, { key: (e) => e.orderId });
const CartFilled = event("cart.filled", order);
const types = { OrderPlaced, OrderPaid, CartFilled };
const orders = stream("orders", types);

type Options = SubscriptionOptions<typeof types>;

/** What the declaration is refused with. */
function refusalOf(options: unknown, name = "billing"): string {
  try {
    // Deliberately wrong, as JavaScript could write it.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    subscription(name, options as Options);
  } catch (error) {
    assert.ok(isMillraceError(error, "BAD_DECLARATION"), String(error));
    return error.message;
  }
  return assert.fail("it was not refused");
}

test("a subscription is a queue that carries its stream's events", () => {
  const billing = subscription("billing", { from: orders, attempts: 3, lease: "10s" });
  assert.deepEqual(
    [billing.kind, billing.name, billing.attempts, billing.leaseMs, billing.feed.by],
    ["queue", "billing", 3, 10_000, "subscription"],
  );
  assert.equal(billing.types.OrderPlaced, OrderPlaced);
  assert.deepEqual([...billing.feed.admits], ["order.placed", "order.paid", "cart.filled"]);
});

test("types are named by handler, by wire type, or by how wire types begin", () => {
  const named = (...patterns: string[]): string[] => [...typesNamed("it", types, patterns)];
  assert.deepEqual(named("OrderPaid"), ["order.paid"]);
  assert.deepEqual(named("cart.filled"), ["cart.filled"]);
  assert.deepEqual(named("order.*", "order.paid"), ["order.placed", "order.paid"]);
});

test("a rule that could never hold, or that no envelope could take, is refused with its place", () => {
  const from = orders;
  assert.match(refusalOf({ from, types: ["order.shipped"] }), /types of .*billing.*order\.shipped/);
  assert.match(refusalOf({ from, types: [] }), /no list of types/);
  assert.match(refusalOf({ from, where: {} }), /where of .* tests no attribute/);
  assert.match(refusalOf({ from, where: { Priority: "high" } }), /"Priority"/);
  assert.match(refusalOf({ from, where: { traceparent: "x" } }), /"traceparent"/);
  assert.match(refusalOf({ from, where: { priority: 3 } }), /tests priority by 3/);
  assert.match(refusalOf({ from, where: { priority: { like: "x" } } }), /tests priority/);
  assert.match(refusalOf({ from, set: { priority: 1 } }), /gives priority the value 1/);
  assert.match(refusalOf({ from, set: {} }), /sets no attribute/);
  assert.match(refusalOf({ from, by: "router", types: ["order.*"] }), /fed by a router/);
  assert.match(refusalOf({ from, attempts: 0 }), /attempts of subscription "billing"/);
  assert.match(refusalOf({ from, prio: 1 }), /unknown option "prio"/);
  assert.match(refusalOf({ from: { kind: "queue" } }), /has no stream/);
  assert.match(refusalOf({ from }, "x".repeat(91)), /91 characters/);
});

test("names that begin like the runtime's own are refused", () => {
  assert.match(refusalOf({ from: orders }, "ns.a.billing"), /begins with "ns"/);
  assert.throws(() => stream("millrace.contracts", types), /begins with "millrace"/);
  assert.throws(() => queue("ns", {}), /begins with "ns"/);
  assert.equal(stream("nsorders", types).name, "nsorders");
});

test("attributes match by text, list, beginning, presence and absence", () => {
  const of = (match: Parameters<typeof matchesAttributes>[0]) =>
    [{ tier: "gold" }, { tier: "silver" }, {}].map((attributes) =>
      matchesAttributes(match, attributes),
    );
  assert.deepEqual(of({ tier: "gold" }), [true, false, false]);
  assert.deepEqual(of({ tier: ["gold", "silver"] }), [true, true, false]);
  assert.deepEqual(of({ tier: { prefix: "s" } }), [false, true, false]);
  assert.deepEqual(of({ tier: { exists: false } }), [false, false, true]);
  assert.deepEqual(of({ tier: { not: "gold" } }), [false, true, true]);
  assert.deepEqual(of({ tier: "gold", region: "eu" }), [false, false, false]);
  assert.deepEqual(of({ constructor: { exists: false } }), [true, true, true]);
});

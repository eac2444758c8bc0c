import assert from "node:assert/strict";
import { test } from "node:test";
import { isPastTense, tenseWarnings } from "./past-tense.ts";

test("names that say what has happened pass, and wishes do not", () => {
  const past = [
    "order.placed",
    "cart.checked-out",
    "cart.item-added",
    "payment.sent",
    "OrderShipped",
    "com.example.user.signed_up",
    "stock.ran-short",
  ];
  const other = [
    "order.place",
    "order.update",
    "order.need",
    "stock.short",
    "order.feed",
    "placed.order",
  ];
  assert.deepEqual(
    past.filter((name) => !isPastTense(name)),
    [],
  );
  assert.deepEqual(
    other.filter((name) => isPastTense(name)),
    [],
  );
});

test("commands may say what they like", () => {
  const locked = { version: 1, keyed: false, schema: {}, consumers: [] };
  const types = {
    "order.place": { ...locked, kind: "command" },
    "order.placed": { ...locked, kind: "event" },
    "order.update": { ...locked, kind: "event" },
  } as const;
  const [warning, ...more] = tenseWarnings({ types });
  assert.match(warning!, /^event order\.update: .* not in the past tense; rename it/);
  assert.deepEqual(more, []);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import * as v from "valibot";
import { z } from "zod";
import { command, event } from "./message-type.ts";

/** Passes what the types refuse, as JavaScript would. */
const untyped = (value: unknown): any => value;

const orderId = z.object({ orderId: z.string() });

test("a constructor returns a draft: type and data, nothing else", () => {
  const OrderPaid = event("order.paid", orderId, { key: (e) => e.orderId });
  assert.deepEqual(OrderPaid({ orderId: "o1" }), { type: "order.paid", data: { orderId: "o1" } });
  assert.deepEqual(Object.keys(OrderPaid({ orderId: "o1" })), ["type", "data"]);
});

test("a declaration tells what it was declared with, and cannot be changed", () => {
  const PlaceOrder = command("order.place", orderId, { refuses: ["already-placed"], version: 1 });
  assert.equal(PlaceOrder.kind, "command");
  assert.equal(PlaceOrder.type, "order.place");
  assert.equal(PlaceOrder.version, 1);
  assert.equal(PlaceOrder.schema, orderId);
  assert.deepEqual(PlaceOrder.refuses, ["already-placed"]);
  assert.equal(PlaceOrder.key, undefined);
  assert.throws(() => Object.assign(PlaceOrder, { type: "other" }), TypeError);
});

test("a refused declaration names itself, what is wrong and what to write", () => {
  const step = (old: object): object => old;
  const cases: readonly (readonly [declare: () => unknown, message: RegExp])[] = [
    [() => event("", orderId), /a declaration of an event has no name/],
    [() => command("", orderId), /a declaration of a command has no name/],
    [() => event(untyped(7), orderId), /has no name; give it as first argument/],
    [
      () => event("order placed", orderId),
      /the event name "order placed" must start with a letter or digit/,
    ],
    [() => event("x".repeat(250), orderId), /has 250 characters; at most 249/],
    [
      () => event("x", untyped({})),
      /event "x" has no schema; pass one of a Standard Schema library/,
    ],
    [() => event("x", untyped(undefined)), /has no schema/],
    [
      () => event("x", orderId, { version: 0 }),
      /the version of event "x" is 0; write a whole number from 1/,
    ],
    [
      () => event("x", orderId, { version: 3, upcast: { 1: step } }),
      /event "x" has version 3 but no upcaster from version 2; add upcast: { 2:/,
    ],
    [
      () => event("x", orderId, { upcast: { 1: step } }),
      /has an upcaster from "1" but its version is 1; raise version/,
    ],
    [
      () => event("x", orderId, { version: 2, upcast: { 1: step, 2: step } }),
      /an upcaster from "2"/,
    ],
    [
      () => event("x", orderId, untyped({ refuses: ["no"] })),
      /event "x" has an unknown option "refuses"; the options are key, version/,
    ],
    [
      () => command("x", orderId, { refuses: ["no", "no"] }),
      /command "x" names the refusal "no" twice/,
    ],
    [
      () => event("x", v.objectAsync({})),
      /event "x" has an asynchronous schema; validate without waiting/,
    ],
  ];
  for (const [declare, message] of cases) {
    assert.throws(declare, { code: "BAD_DECLARATION", message });
  }
});

test("a schema that trips over the probe for asynchrony is still a schema", () => {
  const fragile = z.unknown().transform((data: any) => String(data.deep.field));
  assert.equal(event("fragile", fragile).type, "fragile");
});

test("structure is asked of the library when first needed, and the option wins", () => {
  let asked = 0;
  const schema = {
    "~standard": {
      version: 1,
      vendor: "counting",
      validate: (value: unknown) => ({ value }),
      jsonSchema: {
        input: () => ({ title: String(++asked) }),
        output: () => ({}),
      },
    },
  } as const;
  const Lazy = event("lazy", schema);
  assert.equal(asked, 0);
  assert.deepEqual(Lazy.jsonSchema, { title: "1" });
  assert.equal(Lazy.jsonSchema, Lazy.jsonSchema);
  assert.deepEqual(event("told", schema, { jsonSchema: { title: "mine" } }).jsonSchema, {
    title: "mine",
  });
  assert.equal(asked, 1);
});

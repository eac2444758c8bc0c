/**
 * Wrong uses that must not compile: `tsc` fails where one of the marked lines has no error. The
 * functions are checked and never run, but for the last test.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { encodeHeaders } from "../codecs/cloudevents.ts";
import type { Draft } from "../model/message.ts";
import { queue, stream } from "./channel.ts";
import type { DraftOf, InputOf, OutputOf } from "./declaration.ts";
import { command, event } from "./message-type.ts";
import { readPayload } from "./payload.ts";

/** True where each of the two types can stand for the other. */
type Same<One, Other> = [One] extends [Other] ? ([Other] extends [One] ? true : false) : false;

const orderId = z.object({ orderId: z.string() });
const OrderPlaced = event("order.placed", orderId.extend({ total: z.number() }), {
  key: (e) => e.orderId,
  version: 2,
  upcast: { 1: (old) => ({ ...old, total: 0 }) },
});
const OrderPaid = event("order.paid", orderId, { key: (e) => e.orderId });
const PlaceOrder = command("order.place", orderId.extend({ total: z.number() }), {
  key: (c) => c.orderId,
  refuses: ["already-placed"],
});
const Dated = event("dated", z.object({ at: z.string().transform((text) => new Date(text)) }));

const ByValibot = event("v", v.object({ n: v.pipe(v.string(), v.transform(Number)) }));
const ByArktype = event("a", type({ n: "string.numeric.parse" }));
const orders = stream("orders", { OrderPlaced, OrderPaid }, { keep: "90d", partitions: 6 });

/** What is inferred of the declarations above; a wrong one makes its `true` an error. */
const inferred: readonly [
  Same<InputOf<typeof OrderPlaced>, { orderId: string; total: number }>,
  Same<(typeof OrderPlaced)["type"], "order.placed">,
  Same<DraftOf<typeof OrderPaid>, Draft<"order.paid", { orderId: string }, "event">>,
  Same<InputOf<typeof Dated>, { at: string }>,
  Same<OutputOf<typeof Dated>, { at: Date }>,
  Same<ReturnType<typeof readPayload<OutputOf<typeof Dated>>>, { at: Date }>,
  Same<InputOf<typeof ByValibot>, { n: string }>,
  Same<OutputOf<typeof ByValibot>, { n: number }>,
  Same<InputOf<typeof ByArktype>, { n: string }>,
  Same<OutputOf<typeof ByArktype>, { n: number }>,
  Same<keyof (typeof orders)["types"], "OrderPlaced" | "OrderPaid">,
] = [true, true, true, true, true, true, true, true, true, true, true];

export function refusedPayloads(): void {
  // @ts-expect-error total is missing
  OrderPlaced({ orderId: "o1" });
  // @ts-expect-error total is a number
  OrderPlaced({ orderId: "o1", total: "5" });
  // @ts-expect-error the field is misspelt
  OrderPaid({ orderID: "o1" });
  // @ts-expect-error constructors take the schema's input, a text
  Dated({ at: new Date() });
  // @ts-expect-error a draft of one type is no draft of another
  const paid: DraftOf<typeof OrderPaid> = OrderPlaced({ orderId: "o1", total: 5 });
  void paid;
}

export function refusedTypes(): void {
  // @ts-expect-error a key is a text
  event("x", z.object({ n: z.number() }), { key: (e) => e.n });
  // @ts-expect-error the key function reads a field that the schema has not
  event("x", orderId, { key: (e) => e.order });
  // @ts-expect-error the option is misspelt
  event("x", orderId, { keys: (e: { orderId: string }) => e.orderId });
  // @ts-expect-error an event cannot be refused
  event("x", orderId, { refuses: ["no"] });
  // @ts-expect-error a version is a number
  event("x", orderId, { version: "2" });
  // @ts-expect-error an upcaster is a function
  event("x", orderId, { version: 2, upcast: { 1: { total: 0 } } });
  // @ts-expect-error a schema is needed
  event("x");
  // @ts-expect-error a plain object is no schema
  event("x", { orderId: "string" });
  // @ts-expect-error refusals are texts
  command("x", orderId, { refuses: [7] });
}

export function refusedChannels(): void {
  // @ts-expect-error a stream takes no commands
  stream("orders", { PlaceOrder });
  // @ts-expect-error a queue takes no events
  queue("desk", { OrderPlaced });
  // @ts-expect-error a stream takes types by name
  stream("orders", [OrderPlaced]);
  // @ts-expect-error a duration has a unit
  stream("orders", { OrderPlaced }, { keep: "90" });
  // @ts-expect-error a duration is a text
  stream("orders", { OrderPlaced }, { keep: 90 });
  // @ts-expect-error sizes are told in bytes
  stream("orders", { OrderPlaced }, { keep: { bytes: "90d" } });
  // @ts-expect-error the option is misspelt
  stream("orders", { OrderPlaced }, { partition: 6 });
  // @ts-expect-error a stream has no attempts
  stream("orders", { OrderPlaced }, { attempts: 6 });
  // @ts-expect-error there is no such mode
  stream("orders", { OrderPlaced }, { durability: "sync" });
  // @ts-expect-error a window has a count and an age
  queue("desk", { PlaceOrder }, { dedupe: { count: 5 } });
  // @ts-expect-error a lease is a duration
  queue("desk", { PlaceOrder }, { lease: 30_000 });
}

test("input and output types run as they are inferred", () => {
  assert.ok(inferred.every(Boolean));
  const at: Date = readPayload(Dated, 1, { at: "2026-01-01T00:00Z" }).at;
  assert.equal(at.getTime(), Date.UTC(2026, 0, 1));
  assert.equal(readPayload(ByValibot, 1, { n: "7" }).n, 7);
  assert.equal(readPayload(ByArktype, 1, { n: "7" }).n, 7);
  assert.equal(orders.types.OrderPaid, OrderPaid);
});

// proves: message-kinds
test("a command has no place on a stream, nor an event in a queue, by type and at run time", () => {
  const refused = { code: "BAD_DECLARATION" } as const;
  // @ts-expect-error a stream takes no commands
  assert.throws(() => stream("orders", { PlaceOrder }), {
    ...refused,
    message: /commands go to a queue/,
  });
  // @ts-expect-error a queue takes no events
  assert.throws(() => queue("desk", { OrderPaid }), {
    ...refused,
    message: /events go to a stream/,
  });
  for (const { kind, type } of [OrderPaid, PlaceOrder]) {
    const headers = encodeHeaders({ id: "1", type, kind, version: 1, source: "shop", time: 0 });
    assert.equal(new Map(headers).get("ce_kind"), kind);
  }
});

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { z } from "zod";
import type { EventType } from "./declaration.ts";
import { event } from "./message-type.ts";
import { checkPayload, readPayload } from "./payload.ts";

/** Today's declaration of an order whose schema changed twice. */
const OrderPlaced = event(
  "order.placed",
  z.object({ orderId: z.string(), total: z.number(), currency: z.string().default("EUR") }),
  {
    key: (e) => e.orderId,
    version: 3,
    upcast: {
      1: ({ id, ...rest }) => ({ ...rest, orderId: id }),
      2: ({ amount, ...rest }) => ({ ...rest, total: amount / 100 }),
    },
  },
);

interface OldMessage {
  readonly version: number;
  readonly data: unknown;
  readonly expect: unknown;
}

// proves: schema-evolution
test("messages of every version that was ever written are read as today's", () => {
  const kept: readonly OldMessage[] = JSON.parse(
    readFileSync(new URL("versions.golden.json", import.meta.url), "utf8"),
  );
  for (const { version, data, expect } of kept) {
    assert.deepEqual(readPayload(OrderPlaced, version, data), expect);
  }
  assert.deepEqual([...new Set(kept.map(({ version }) => version))], [1, 2, 3]);
});

test("a version that this program does not know is refused, not guessed", () => {
  for (const version of [4, 0, -1, 1.5, Number.NaN]) {
    assert.throws(() => readPayload(OrderPlaced, version, {}), {
      code: "UNKNOWN_VERSION",
      message: `order.placed has version ${version}, and this program reads 1 to 3; deploy its newer contract here, then redrive`,
    });
  }
});

test("an upcaster that fails, or gives what does not fit, makes a bad payload", () => {
  assert.throws(() => readPayload(OrderPlaced, 1, null), {
    code: "BAD_PAYLOAD",
    message: /^order.placed: the upcaster from version 1 failed: /,
  });
  assert.throws(() => readPayload(OrderPlaced, 2, { orderId: "o1" }), {
    code: "BAD_PAYLOAD",
    message: /^order.placed: total: /,
  });
});

test("handlers get the schema's output, and the key is taken from it", () => {
  const Upper = event(
    "upper",
    z.object({ name: z.string().transform((name) => name.toUpperCase()) }),
    {
      key: (e) => e.name,
    },
  );
  assert.deepEqual(checkPayload(Upper, { name: "ann" }), { output: { name: "ANN" }, key: "ANN" });
  assert.deepEqual(readPayload(Upper, 1, { name: "ann" }), { name: "ANN" });
  assert.equal(checkPayload(event("keyless", z.object({})), {}).key, undefined);
});

test("a bad payload is refused with the names of its fields", () => {
  const Basket = event("basket", z.object({ lines: z.array(z.object({ price: z.number() })) }));
  const price = "Invalid input: expected number, received string";
  assert.throws(() => checkPayload(Basket, { lines: [{ price: 1 }, { price: "2" }] }), {
    code: "BAD_PAYLOAD",
    message: `basket: lines[1].price: ${price}`,
    details: { type: "basket", fields: ["lines[1].price"] },
  });
  assert.throws(() => checkPayload(Basket, 7), { code: "BAD_PAYLOAD", message: /^basket: data: / });
  const many = { lines: Array.from({ length: 1_000 }, () => ({ price: "2" })) };
  assert.throws(() => checkPayload(Basket, many), {
    code: "BAD_PAYLOAD",
    message: /; and 995 more$/,
  });
});

test("a key must be a text of 1 to 1,024 bytes", () => {
  const keyed = (key: any): EventType => event("keyed", z.object({ k: z.string() }), { key });
  const check = (k: string, key: (data: { k: string }) => unknown = (data) => data.k): unknown =>
    checkPayload(keyed(key), { k }).key;
  assert.equal(check("x".repeat(1_024)), "x".repeat(1_024));
  assert.equal(check("é".repeat(512)), "é".repeat(512));
  const cases: readonly (readonly [refused: () => unknown, message: RegExp])[] = [
    [() => check(""), /the key is empty; the declaration's key function must return a text/],
    [() => check("x", () => undefined), /the key is undefined/],
    [() => check("x", () => 7), /the key is 7/],
    [() => check("x".repeat(1_025)), /the key has 1025 bytes, at most 1024/],
    [() => check("é".repeat(513)), /the key has 1026 bytes/],
  ];
  for (const [refused, message] of cases) {
    assert.throws(refused, {
      code: "BAD_PAYLOAD",
      message,
      details: { type: "keyed", fields: ["key"] },
    });
  }
});

test("a schema whose own code throws makes a bad payload, and is not taken for asynchronous", () => {
  const fragile = z.object({ k: z.any().transform((k) => String(k.deep.field)) });
  const throwing = {
    "~standard": {
      version: 1,
      vendor: "throwing",
      validate: (): never => {
        throw new TypeError("k.deep is undefined");
      },
    },
  } as const;
  for (const schema of [fragile, throwing]) {
    assert.throws(() => readPayload(event("fragile", schema), 1, { k: {} }), {
      code: "BAD_PAYLOAD",
      message: /^fragile: the schema failed: /,
    });
  }
});

test("asynchrony that a schema hid from its declaration is refused at the first payload", () => {
  const Hidden = event("hidden", z.object({ k: z.string().refine(async () => true) }));
  const refused = {
    code: "BAD_DECLARATION",
    message:
      'event "hidden" has an asynchronous schema; validate without waiting, and look things up in the handler',
  };
  assert.throws(() => checkPayload(Hidden, { k: "x" }), refused);
  assert.throws(() => readPayload(Hidden, 1, { k: "x" }), refused);
});

test("a key of half a surrogate pair is refused: in UTF-8 it would be the key of others", () => {
  const named = event("named", z.object({ name: z.string() }), { key: (data) => data.name });
  for (const name of ["\ud800", "a\udc00b", "\udc00\ud800"]) {
    assert.throws(() => checkPayload(named, { name }), {
      code: "BAD_PAYLOAD",
      message: /half a surrogate pair/,
    });
  }
  assert.equal(checkPayload(named, { name: "\u{1F600}" }).key, "\u{1F600}");
});

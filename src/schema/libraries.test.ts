/**
 * The same contract written with three libraries, from a draft to the wire and back.
 *
 * A 64-bit integer is a bigint in the program and a JSON number with all its digits on the wire. With
 * zod (`z.int64()`, `z.bigint()`) and arktype (`"bigint"`) the structure says so by itself. Valibot
 * schemas do not describe themselves, so the declaration's `jsonSchema` does. A decimal is text in
 * the program; the field is declared as text, and its structure as a number of the format `decimal`.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { jsonCodec } from "../codecs/json.ts";
import type { EventType } from "./declaration.ts";
import { event } from "./message-type.ts";
import { checkPayload, readPayload } from "./payload.ts";

interface Transfer {
  id: string;
  cents: bigint;
  rate: string;
}

const decimal = { type: "number", format: "decimal" };

const withZod = event(
  "transfer",
  z.object({
    id: z.string(),
    cents: z.int64(),
    rate: z.string().meta(decimal),
    note: z.string().optional(),
  }),
  { key: (e) => e.id },
);

const withValibot = event(
  "transfer",
  v.object({
    id: v.string(),
    cents: v.bigint(),
    rate: v.string(),
    note: v.exactOptional(v.string()),
  }),
  {
    key: (e) => e.id,
    jsonSchema: {
      type: "object",
      properties: {
        id: { type: "string" },
        cents: { type: "integer", format: "int64" },
        rate: decimal,
      },
      required: ["id", "cents", "rate"],
    },
  },
);

const withArktype = event("transfer", type({ id: "string", cents: "bigint", rate: "string" }), {
  key: (e) => e.id,
  jsonSchema: {
    type: "object",
    properties: { cents: { type: "integer", format: "int64" }, rate: decimal },
  },
});

const libraries: readonly (readonly [
  name: string,
  declared: EventType<"transfer", Transfer, Transfer>,
])[] = [
  ["zod", withZod],
  ["valibot", withValibot],
  ["arktype", withArktype],
];

const data: Transfer = { id: "t1", cents: 9_223_372_036_854_775_807n, rate: "1.10" };
const wire = '{"id":"t1","cents":9223372036854775807,"rate":1.10}';

test("a payload comes back digit for digit with zod, valibot and arktype", () => {
  for (const [name, declared] of libraries) {
    const draft = declared(data);
    assert.equal(checkPayload(declared, draft.data).key, "t1", name);
    const codec = jsonCodec(declared.jsonSchema);
    assert.equal(codec.stringify(draft.data), wire, name);
    assert.deepEqual(readPayload(declared, 1, codec.decode(codec.encode(draft.data))), data, name);
  }
});

test("a bad field is named alike with zod, valibot and arktype", () => {
  for (const [name, declared] of libraries) {
    assert.throws(
      () => checkPayload(declared, { ...data, cents: "5" }),
      { code: "BAD_PAYLOAD", details: { type: "transfer", fields: ["cents"] } },
      name,
    );
  }
});

test("zod and arktype describe a bigint by themselves, valibot says that it cannot", () => {
  const wide = { type: "integer", format: "int64" };
  const cents = (declared: EventType): unknown => {
    assert.ok(declared.structure.known);
    return Reflect.get(Object(Reflect.get(Object(declared.jsonSchema), "properties")), "cents");
  };
  assert.deepEqual(cents(event("a", z.object({ cents: z.int64() }))), wide);
  assert.deepEqual(cents(event("a", z.object({ cents: z.bigint() }))), wide);
  assert.deepEqual(cents(event("a", z.object({ cents: z.uint64() }))), {
    ...wide,
    format: "uint64",
  });
  assert.deepEqual(cents(event("a", type({ cents: "bigint" }))), wide);
  assert.deepEqual(event("a", v.object({ cents: v.bigint() })).structure, {
    known: false,
    why: "valibot schemas do not describe themselves",
  });
});

test("a schema of things that JSON does not have has no structure, and says which", () => {
  assert.deepEqual(event("a", z.object({ at: z.date() })).structure, {
    known: false,
    why: "JSON has no date",
  });
  assert.deepEqual(event("a", type({ at: "Date" })).structure, {
    known: false,
    why: "JSON has no Date",
  });
  assert.equal(event("a", type({ at: "Map" })).structure.known, false);
  // What it cannot describe cannot be written either.
  const At = event("a", z.object({ at: z.date() }));
  assert.throws(() => jsonCodec(At.jsonSchema).encode({ at: new Date(0) }), {
    code: "BAD_PAYLOAD",
    message: /^at is a Date/,
  });
});

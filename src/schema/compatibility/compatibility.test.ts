import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { compareSchemas, type Verdict } from "./compatibility.ts";
import type { JsonSchema } from "../declaration.ts";

const json = (schema: z.ZodType): JsonSchema => z.toJSONSchema(schema, { io: "input" });

const id = { id: z.string() };
const line = z.object({ sku: z.string(), count: z.int() });
const tree = z.object({
  name: z.string(),
  get children() {
    return z.array(tree);
  },
});
const namedTree = z.object({
  name: z.string(),
  label: z.string(),
  get children() {
    return z.array(namedTree);
  },
});

type Row = readonly [
  change: string,
  older: z.ZodType,
  newer: z.ZodType,
  field: string,
  backward: Verdict,
  forward: Verdict,
];

const rows: readonly Row[] = [
  [
    "an optional field is added",
    z.object(id),
    z.object({ ...id, note: z.string().optional() }),
    "note",
    "compatible",
    "compatible",
  ],
  [
    "a field with a default is added",
    z.object(id),
    z.object({ ...id, note: z.string().default("") }),
    "note",
    "compatible",
    "compatible",
  ],
  [
    "a required field is added",
    z.object(id),
    z.object({ ...id, note: z.string() }),
    "note",
    "breaks",
    "compatible",
  ],
  [
    "a required field is removed",
    z.object({ ...id, note: z.string() }),
    z.object(id),
    "note",
    "compatible",
    "breaks",
  ],
  [
    "an optional field is removed",
    z.object({ ...id, note: z.string().optional() }),
    z.object(id),
    "note",
    "compatible",
    "compatible",
  ],
  [
    "a field is added to a strict object",
    z.strictObject(id),
    z.strictObject({ ...id, note: z.string().optional() }),
    "note",
    "compatible",
    "breaks",
  ],
  [
    "an optional field becomes required",
    z.object({ n: z.int().optional() }),
    z.object({ n: z.int() }),
    "n",
    "breaks",
    "compatible",
  ],
  [
    "an integer becomes a number",
    z.object({ n: z.int() }),
    z.object({ n: z.number().min(-1e16).max(1e16) }),
    "n",
    "compatible",
    "breaks",
  ],
  [
    "a number becomes text",
    z.object({ n: z.number() }),
    z.object({ n: z.string() }),
    "n",
    "breaks",
    "breaks",
  ],
  [
    "null becomes allowed",
    z.object({ n: z.number() }),
    z.object({ n: z.number().nullable() }),
    "n",
    "compatible",
    "breaks",
  ],
  [
    "a value is added to an enumeration",
    z.object({ s: z.enum(["a"]) }),
    z.object({ s: z.enum(["a", "b"]) }),
    "s",
    "compatible",
    "breaks",
  ],
  [
    "a value is taken from an enumeration",
    z.object({ s: z.enum(["a", "b"]) }),
    z.object({ s: z.enum(["a"]) }),
    "s",
    "breaks",
    "compatible",
  ],
  [
    "an enumeration becomes any text",
    z.object({ s: z.enum(["a"]) }),
    z.object({ s: z.string() }),
    "s",
    "compatible",
    "breaks",
  ],
  [
    "a text is given a format",
    z.object({ s: z.string() }),
    z.object({ s: z.email() }),
    "s",
    "breaks",
    "compatible",
  ],
  [
    "a text is bounded",
    z.object({ s: z.string() }),
    z.object({ s: z.string().max(9) }),
    "s",
    "breaks",
    "compatible",
  ],
  [
    "a lower bound falls",
    z.object({ n: z.number().min(5) }),
    z.object({ n: z.number().min(1) }),
    "n",
    "compatible",
    "breaks",
  ],
  [
    "a pattern changes",
    z.object({ s: z.string().regex(/^a/) }),
    z.object({ s: z.string().regex(/^b/) }),
    "s",
    "unclear",
    "unclear",
  ],
  [
    "a nested field narrows",
    z.object({ a: z.object({ b: z.string().nullable() }) }),
    z.object({ a: z.object({ b: z.string() }) }),
    "a.b",
    "breaks",
    "compatible",
  ],
  [
    "an item's field is added",
    z.object({ lines: z.array(line) }),
    z.object({ lines: z.array(line.extend({ price: z.number() })) }),
    "lines[].price",
    "breaks",
    "compatible",
  ],
  [
    "an array is bounded",
    z.object({ a: z.array(z.string()) }),
    z.object({ a: z.array(z.string()).min(1) }),
    "a",
    "breaks",
    "compatible",
  ],
  [
    "a tuple grows",
    z.object({ t: z.tuple([z.string()]) }),
    z.object({ t: z.tuple([z.string(), z.number()]) }),
    "t",
    "breaks",
    "breaks",
  ],
  [
    "an alternative is added",
    z.object({ v: z.union([z.string(), z.object(id)]) }),
    z.object({ v: z.union([z.string(), z.object(id), z.array(z.int())]) }),
    "v",
    "compatible",
    "breaks",
  ],
  [
    "a case of a discriminated union is removed",
    z.discriminatedUnion("k", [
      z.object({ k: z.literal("a") }),
      z.object({ k: z.literal("b"), n: z.int() }),
    ]),
    z.discriminatedUnion("k", [z.object({ k: z.literal("a") })]),
    "k",
    "breaks",
    "compatible",
  ],
  [
    "a record's values widen",
    z.object({ r: z.record(z.string(), z.int()) }),
    z.object({ r: z.record(z.string(), z.int().nullable()) }),
    "r.*",
    "compatible",
    "breaks",
  ],
  ["a recursive type gets a required field", tree, namedTree, "label", "breaks", "compatible"],
];

test("every kind of change gets its verdict, at its field, in both directions", () => {
  for (const [change, older, newer, field, backward, forward] of rows) {
    const found = compareSchemas(json(older), json(newer));
    const told = JSON.stringify(found, undefined, 1);
    assert.equal(found.backward, backward, `${change}, backward: ${told}`);
    assert.equal(found.forward, forward, `${change}, forward: ${told}`);
    const at = found.fields.find((each) => each.field === field);
    assert.ok(at, `${change}: no finding at ${field}: ${told}`);
    assert.deepEqual([at.backward, at.forward], [backward, forward], `${change}: ${told}`);
    assert.ok(at.reasons.length > 0);
  }
});

test("a schema is compatible with itself, whatever it is made of", () => {
  for (const [change, older, newer] of rows) {
    for (const schema of [json(older), json(newer)]) {
      const { backward, forward, fields } = compareSchemas(schema, structuredClone(schema));
      assert.deepEqual(
        { backward, forward, fields },
        { backward: "compatible", forward: "compatible", fields: [] },
        change,
      );
    }
  }
});

test("annotations and the order of names change nothing", () => {
  const older = {
    type: "object",
    properties: { a: { type: "string" }, b: { type: "null" } },
    required: ["a", "b"],
  };
  const newer = {
    title: "An order",
    required: ["b", "a"],
    properties: {
      b: { type: "null", description: "never" },
      a: { examples: ["x"], type: "string" },
    },
    type: "object",
  };
  assert.deepEqual(compareSchemas(older, newer).fields, []);
});

test("a number's exactness on the wire counts as part of its type", () => {
  const of = (format?: string): JsonSchema => ({
    type: "object",
    properties: { n: { type: "integer", ...(format && { format }) } },
  });
  const verdicts = (older: JsonSchema, newer: JsonSchema): readonly Verdict[] => {
    const { backward, forward } = compareSchemas(older, newer);
    return [backward, forward];
  };
  assert.deepEqual(verdicts(of(), of("int64")), ["compatible", "breaks"]);
  assert.deepEqual(verdicts(of("int64"), of("uint64")), ["breaks", "breaks"]);
});

test("what is not understood is called unclear, and settled where both have it", () => {
  const older = { type: "object", dependentRequired: { a: ["b"] } };
  const newer = { type: "object", dependentRequired: { a: ["c"] } };
  const { backward, fields } = compareSchemas(older, newer);
  assert.equal(backward, "unclear");
  assert.match(fields[0]!.reasons[0]!, /the keyword dependentRequired, which cannot be judged/);
  assert.equal(compareSchemas(older, structuredClone(older)).backward, "compatible");
});

test("references, allOf and anything-goes schemas are seen through", () => {
  const money = { type: "object", properties: { cents: { type: "integer" } }, required: ["cents"] };
  const older = {
    type: "object",
    properties: { price: { $ref: "#/$defs/m" } },
    $defs: { m: money },
  };
  const newer = {
    type: "object",
    properties: {
      price: {
        allOf: [
          { $ref: "#/$defs/m" },
          { properties: { currency: { type: "string" } }, required: ["currency"] },
        ],
      },
    },
    $defs: { m: money },
  };
  const found = compareSchemas(older, newer);
  assert.deepEqual([found.backward, found.forward], ["breaks", "compatible"]);
  assert.equal(found.fields.find(({ backward }) => backward === "breaks")?.field, "price.currency");
  assert.equal(compareSchemas(older, true).backward, "compatible");
  assert.equal(compareSchemas(true, older).backward, "breaks");
  assert.equal(compareSchemas(older, false).backward, "breaks");
});

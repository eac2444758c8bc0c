import assert from "node:assert/strict";
import { test } from "node:test";
import { type } from "arktype";
import * as v from "valibot";
import { z } from "zod";
import { isMillraceError } from "../model/errors.ts";
import { queue, stream } from "./channel.ts";
import { checkContract, type ContractChange } from "./contract-check.ts";
import {
  createContractLock,
  formatContractLock,
  parseContractLock,
  type ContractLock,
} from "./contract-lock.ts";
import type { EventType } from "./declaration.ts";
import { command, event } from "./message-type.ts";

const order = z.object({ orderId: z.string(), total: z.number() });
const byOrder = { key: (e: { orderId: string }) => e.orderId };
const OrderPlaced = event("order.placed", order, byOrder);
const OrderPaid = event("order.paid", type({ orderId: "string", cents: "bigint" }), {
  key: (e) => e.orderId,
});
const PlaceOrder = command("order.place", order, { refuses: ["sold-out", "already-placed"] });

const orders = stream("orders", { OrderPlaced, OrderPaid }, { partitions: 3 });
const desk = queue("desk", { PlaceOrder });

const shop = { name: "shop", publishes: [orders], reads: [{ channel: desk }] };
const billing = {
  name: "billing",
  publishes: [desk],
  reads: [{ channel: orders, types: ["order.placed"] }],
};
const lock = createContractLock([shop, billing]);

/** The lock after `order.placed` was declared anew. */
function lockWith(placed: EventType, partitions = 3): ContractLock {
  const changed = stream("orders", { OrderPlaced: placed, OrderPaid }, { partitions });
  return createContractLock([
    { ...shop, publishes: [changed] },
    { ...billing, reads: [{ channel: changed, types: ["order.placed"] }] },
  ]);
}

function onlyChange(newer: ContractLock): ContractChange {
  const { changes } = checkContract(lock, newer);
  assert.equal(changes.length, 1, JSON.stringify(changes));
  return changes[0]!;
}

test("a lock holds structure, version, key, owners and consumers of everything declared", () => {
  assert.deepEqual(lock.types["order.placed"], {
    kind: "event",
    version: 1,
    keyed: true,
    schema: {
      type: "object",
      properties: { orderId: { type: "string" }, total: { type: "number" } },
      required: ["orderId", "total"],
    },
    consumers: ["billing"],
  });
  assert.deepEqual(lock.types["order.place"]?.refuses, ["already-placed", "sold-out"]);
  assert.deepEqual(lock.types["order.place"]?.consumers, ["shop"]);
  assert.deepEqual(lock.types["order.paid"]?.consumers, []);
  assert.deepEqual(lock.channels["stream orders"], {
    kind: "stream",
    name: "orders",
    types: ["order.paid", "order.placed"],
    partitions: 3,
    publishers: ["shop"],
    consumers: ["billing"],
  });
});

test("the same declarations in another order give the same bytes, and the text is read back", () => {
  const text = formatContractLock(lock);
  const mirrored = createContractLock([billing, { ...shop }]);
  assert.equal(formatContractLock(mirrored), text);
  assert.deepEqual(parseContractLock(text, "contracts.lock.json"), lock);
  assert.deepEqual(checkContract(lock, mirrored), { verdict: "compatible", changes: [] });
});

test("a type without structure is refused with the remedy, and locked once it is given", () => {
  const valibot = v.object({ orderId: v.string() });
  const reads = (declared: EventType): unknown =>
    createContractLock([{ name: "shop", publishes: [stream("s", { declared })], reads: [] }]);
  assert.throws(() => reads(event("order.lost", valibot)), {
    code: "BAD_DECLARATION",
    message:
      'the structure of event "order.lost" is unknown: valibot schemas do not describe themselves; give its JSON Schema as the declaration\'s option jsonSchema',
  });
  assert.ok(reads(event("order.lost", valibot, { jsonSchema: { type: "object" } })));
});

test("two owners of one stream are refused by name", () => {
  assert.throws(
    () => createContractLock([shop, { name: "till", publishes: [orders], reads: [] }]),
    {
      code: "BAD_DECLARATION",
      message: /stream "orders" is published by shop and till; a stream has one owner/,
    },
  );
});

test("text that is no lock is refused with the remedy", () => {
  for (const text of [
    "",
    "[]",
    "{}",
    '{"format":2}',
    '{"format":1}',
    '{"format":1,"types":{"a":1},"channels":{}}',
  ]) {
    assert.throws(() => parseContractLock(text, "x.json"), {
      code: "BAD_ARGUMENT",
      message: /^x.json is no contract lock: .*write it anew with "millrace contract lock"$/,
    });
  }
});

test("a lock with any one value of another form is refused or compared, and never a defect", () => {
  const text = formatContractLock(lock);
  let refused = 0;
  let compared = 0;
  for (const path of pathsOf(JSON.parse(text))) {
    for (const other of [null, 5, "x", true, [], [null], {}, { a: null }, undefined]) {
      const edited = JSON.stringify(withValue(JSON.parse(text), path, other));
      try {
        const known = parseContractLock(edited, "x.json");
        checkContract(known, lock);
        checkContract(lock, known);
        compared++;
      } catch (error) {
        assert.ok(
          isMillraceError(error),
          `${path.join(".")} = ${JSON.stringify(other)}: ${String(error)}`,
        );
        refused++;
      }
    }
  }
  assert.ok(refused > 50 && compared > 50, `${refused} were refused, ${compared} compared`);
});

function pathsOf(value: unknown, path: readonly string[] = []): string[][] {
  const below = typeof value === "object" && value !== null ? Object.entries(value) : [];
  const own = path.length === 0 ? [] : [[...path]];
  return [...own, ...below.flatMap(([name, item]) => pathsOf(item, [...path, name]))];
}

function withValue(root: any, path: readonly string[], value: unknown): unknown {
  let at = root;
  for (const name of path.slice(0, -1)) at = at[name];
  at[path.at(-1)!] = value;
  return root;
}

test("a breaking change names its field and the consumers that it would break", () => {
  const narrowed = event(
    "order.placed",
    order.extend({ total: z.int(), coupon: z.string() }),
    byOrder,
  );
  const { subject, verdict, backward, forward, consumers, fields } = onlyChange(lockWith(narrowed));
  assert.deepEqual(
    { subject, verdict, backward, forward, consumers },
    {
      subject: "event order.placed",
      verdict: "breaks",
      backward: "breaks",
      forward: "compatible",
      consumers: ["billing"],
    },
  );
  assert.deepEqual(
    fields.map(({ field, backward }) => [field, backward]),
    [
      ["coupon", "breaks"],
      ["total", "breaks"],
    ],
  );
  assert.match(fields[0]!.reasons.join(), /a newer reader requires it, and it is not written/);
});

test("an optional field may be added", () => {
  const wider = event("order.placed", order.extend({ note: z.string().optional() }), byOrder);
  const { verdict, fields } = onlyChange(lockWith(wider));
  assert.equal(verdict, "compatible");
  assert.deepEqual(fields, [
    { field: "note", backward: "compatible", forward: "compatible", reasons: ["added"] },
  ]);
});

test("a raised version with its upcaster may be released, and the report tells who will park it", () => {
  const second = event("order.placed", order.extend({ coupon: z.string() }), {
    ...byOrder,
    version: 2,
    upcast: { 1: (old) => ({ ...old, coupon: "" }) },
  });
  const { verdict, backward, forward, notes, consumers } = onlyChange(lockWith(second));
  assert.deepEqual(
    { verdict, backward, forward },
    { verdict: "compatible", backward: "compatible", forward: "breaks" },
  );
  assert.match(
    notes[0]!,
    /version 1 becomes 2: upcasters read the older messages, and consumers on the older contract park/,
  );
  assert.deepEqual(consumers, ["billing"]);
  const { verdict: back } = checkContract(lockWith(second), lock);
  assert.equal(back, "breaks");
});

test("a lost key, another number of partitions and a removed type are breaking", () => {
  const keyless = onlyChange(lockWith(event("order.placed", order)));
  assert.equal(keyless.verdict, "breaks");
  assert.match(keyless.notes[0]!, /no longer has a key/);

  const moved = onlyChange(lockWith(OrderPlaced, 4));
  assert.equal(moved.verdict, "breaks");
  assert.match(moved.notes[0]!, /3 partitions become 4: a key's partition would change/);

  const without = stream("orders", { OrderPaid }, { partitions: 3 });
  const { verdict, changes } = checkContract(
    lock,
    createContractLock([
      { ...shop, publishes: [without] },
      { ...billing, reads: [{ channel: without }] },
    ]),
  );
  assert.equal(verdict, "breaks");
  const removed = changes.find(({ subject }) => subject === "event order.placed");
  assert.deepEqual(removed?.notes, ["is removed, and billing read it"]);
});
